"""The sender to several instances of the service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

from serverless_signalr._rest.operations import Operation, Reach
from serverless_signalr._rest.responses import Response
from serverless_signalr._rest.senders import Sender
from serverless_signalr.errors import (
    NotFoundError,
    PartialSendError,
    ServiceError,
    ServiceUnavailableError,
)

__all__ = ["Everywhere", "Member"]


class Member(Protocol):
    """One of several instances, and the last known state of it."""

    @property
    def label(self) -> str:
        """Return the name of the instance in messages."""
        ...

    @property
    def is_down(self) -> bool:
        """Tell whether the last probe found the instance down."""
        ...

    async def is_online(self) -> bool:
        """Tell whether the instance is up."""
        ...

    def look_again(self) -> None:
        """Probe the instance in the background."""
        ...


class Everywhere:
    """A sender to every instance of a connection.

    The connections of a hub, a user or a group may be on any instance. Messages therefore go to all
    instances, and a question is answered with yes if one instance says so. Instances that a probe found down
    are skipped, unless all are down. Raise PartialSendError, with the error of each instance, if some failed.
    """

    def __init__[M: Member](
        self,
        members: Sequence[tuple[M, Sender]],
        distinct: Callable[[Sequence[M]], Awaitable[Sequence[M]]],
    ) -> None:
        """Take the instances with their senders, and a function that removes duplicate instances."""
        self._members = members
        self._distinct: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]] = distinct

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Send an operation to every instance that is not known to be down."""
        if operation.reach is Reach.ONE:
            raise ValueError(
                f"the connection has {len(self._members)} endpoints and a token is valid for one of them: "
                "use ServerlessHub.negotiate, or create a ServiceClient for one endpoint"
            )
        members = await self._addressed()
        results = await asyncio.gather(*(_try(member, operation, timeout) for member in members))
        responses = [result for result in results if isinstance(result, Response)]
        errors = {
            member.label: result
            for (member, _), result in zip(members, results, strict=True)
            if isinstance(result, ServiceError)
        }
        # A 404 is expected from every instance except the one that has the target.
        serious = {name: error for name, error in errors.items() if not isinstance(error, NotFoundError)}
        found = [response for response in responses if response.status != 404]
        if operation.reach is Reach.ANY and (found or serious):
            if found:
                return found[0]
            # An instance that refuses has the target; one that is unavailable may not have it.
            raise min(serious.values(), key=lambda error: isinstance(error, ServiceUnavailableError))
        if not responses:
            raise next(iter((serious or errors).values()))
        if serious:
            raise _partial(operation, serious, len(members))
        return (found or responses)[0]

    async def is_healthy(self) -> bool:
        """Tell whether any instance reports that it is healthy. Each is asked once."""
        results = await asyncio.gather(
            *(sender.is_healthy() for _, sender in self._members), return_exceptions=True
        )
        errors = [result for result in results if isinstance(result, BaseException)]
        if len(errors) == len(results):
            raise errors[0]
        return any(result is True for result in results)

    async def items(self, path: str, top: int | None, page_size: int | None) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the items of every instance's list."""
        left = top
        for _, sender in await self._addressed():
            async for item in sender.items(path, left, page_size):
                yield item
                if left is not None:
                    left -= 1
            if left == 0:
                return

    async def aclose(self) -> None:
        """Leave the pool of the running loop."""
        for _, sender in self._members:
            await sender.aclose()

    async def _addressed(self) -> list[tuple[Member, Sender]]:
        kept = await self._distinct([member for member, _ in self._members])
        pairs: list[tuple[Member, Sender]] = [pair for pair in self._members if pair[0] in kept]
        up = [pair for pair in pairs if not pair[0].is_down or await pair[0].is_online()]
        return up or pairs


async def _try(
    pair: tuple[Member, Sender], operation: Operation, timeout: timedelta | None
) -> Response | ServiceError:
    member, sender = pair
    try:
        response = await sender.run(operation, timeout)
    except ServiceError as error:
        if isinstance(error, ServiceUnavailableError):
            # One failure does not prove that the instance is down: it is probed, and the error is reported.
            member.look_again()
        return error
    if member.is_down:
        member.look_again()
    return response


def _partial(operation: Operation, errors: dict[str, ServiceError], tried: int) -> PartialSendError:
    shown = "; ".join(f"{name}: {error}" for name, error in errors.items())
    return PartialSendError(
        f"{operation.method} {operation.path} failed at {len(errors)} of {tried} endpoints: {shown}",
        errors,
    )
