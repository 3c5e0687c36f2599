"""The REST client of a connection with several instances of the service: all of them at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

from serverless_signalr._connection.instance import Instance, distinct
from serverless_signalr._rest.instance_client import InstanceClient
from serverless_signalr._rest.operations import Answer, Operation
from serverless_signalr.errors import (
    NotFoundError,
    PartialSendError,
    ServiceError,
    ServiceUnavailableError,
)
from serverless_signalr.rest import MAX_PARALLEL, GroupConnection, ServiceClient

__all__ = ["FleetClient"]


class FleetClient(ServiceClient):
    """Do on every instance of a connection what ServiceClient does on one.

    A user, a group and all of a hub may have connections anywhere, and nobody knows which instance has
    a connection: what is sent goes to all, what is asked is true if it is true of one. An instance that was
    found down is left out, unless all were. Raise PartialSendError, with the error of each instance, where
    some failed.
    """

    def __init__(self, instances: Sequence[Instance], hub: str, **options: Any) -> None:
        self._members = [(instance, InstanceClient(instance, hub, **options)) for instance in instances]
        self._max_parallel = options.get("max_parallel", MAX_PARALLEL)
        self._is_closed = False

    async def aclose(self) -> None:
        """End the client, as that of ServiceClient."""
        self._is_closed = True
        for _, client in self._members:
            await client.aclose()

    async def is_healthy(self) -> bool:
        """Tell whether an instance answers, and says that it is well. Each is asked once."""
        found = await asyncio.gather(
            *(client.is_healthy() for _, client in self._members), return_exceptions=True
        )
        errors = [result for result in found if isinstance(result, BaseException)]
        if len(errors) == len(found):
            raise errors[0]
        return any(result is True for result in found)

    async def generate_token(
        self,
        user_id: str | None = None,  # noqa: ARG002 - the parameters are those of ServiceClient
        lifetime: timedelta = timedelta(hours=1),  # noqa: ARG002
    ) -> str:
        """Raise ValueError: nothing would tell the client which of the instances the token is for."""
        raise ValueError(
            f"the connection has {len(self._members)} endpoints and a token is for one of them: let "
            "ServerlessHub.negotiate sign it, or make a ServiceClient for one endpoint"
        )

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Answer:
        """Carry out an operation on every instance that is not known to be down."""
        self._check_open()
        members = await self._addressed()
        results = await asyncio.gather(*(_try(member, operation, timeout) for member in members))
        answers = [result for result in results if isinstance(result, Answer)]
        errors = {
            instance.label: result
            for (instance, _), result in zip(members, results, strict=True)
            if isinstance(result, ServiceError)
        }
        found = [answer for answer in answers if answer.status != 404]
        is_question = operation.method in ("HEAD", "GET")
        if is_question and found:
            return found[0]
        # What is not on one instance is on another, if it is anywhere.
        serious = {name: error for name, error in errors.items() if not isinstance(error, NotFoundError)}
        if not answers or (is_question and serious):
            raise next(iter((serious or errors).values()))
        if serious:
            raise _partial(operation, serious, len(members))
        return (found or answers)[0]

    async def _list(
        self, path: str, top: int | None, page_size: int | None
    ) -> AsyncIterator[GroupConnection]:
        left = top
        for _, client in await self._addressed():
            async for connection in client._list(path, left, page_size):
                yield connection
                if left is not None:
                    left -= 1
            if left == 0:
                return

    async def _addressed(self) -> list[tuple[Instance, InstanceClient]]:
        instances = await distinct([instance for instance, _ in self._members])
        members = [member for member in self._members if member[0] in instances]
        up = [
            (instance, client)
            for instance, client in members
            if not instance.is_down or await instance.is_online()
        ]
        return up or members


async def _try(
    member: tuple[Instance, InstanceClient], operation: Operation, timeout: timedelta | None
) -> Answer | ServiceError:
    instance, client = member
    try:
        answer = await client.run(operation, timeout)
    except ServiceError as error:
        if isinstance(error, ServiceUnavailableError):
            instance.note(is_online=False)
        return error
    instance.note(is_online=True)
    return answer


def _partial(operation: Operation, errors: dict[str, ServiceError], tried: int) -> PartialSendError:
    shown = "; ".join(f"{name}: {error}" for name, error in errors.items())
    return PartialSendError(
        f"{len(errors)} of {tried} endpoints did not take {operation.method} {operation.path}: {shown}",
        errors,
    )
