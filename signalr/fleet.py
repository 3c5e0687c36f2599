"""REST clients of a connection: of an instance whose secret may change, and of several instances at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from signalr.endpoint import Endpoint
from signalr.errors import (
    NotFoundError,
    PartialSendError,
    ServiceError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from signalr.instance import Instance
from signalr.names import check_hub_name
from signalr.operations import Answer, Operation
from signalr.rest import GroupConnection, ServiceClient

__all__ = ["FleetClient", "InstanceClient", "open_client"]

_PARALLEL = 16


def open_client(endpoint: Endpoint, hub: str, **options: Any) -> ServiceClient:
    """Return a client of an endpoint, with the credential of its identity if that opens it."""
    credential: Any = endpoint.identity.credential() if endpoint.identity is not None else None
    return ServiceClient(endpoint, hub, credential=credential, **options)


class InstanceClient(ServiceClient):
    """Do what ServiceClient does with the endpoint that the instance has at the moment.

    Where the service answers 401, the secret is read again, once; if it has changed, the operation is
    repeated: it has not run.
    """

    def __init__(self, instance: Instance, hub: str, **options: Any) -> None:
        self._instance = instance
        self._name = check_hub_name(hub)
        self._client_options = options
        self._opened: tuple[Endpoint, ServiceClient] | None = None
        self._max_parallel = options.get("max_parallel", _PARALLEL)
        self._is_closed = False

    async def aclose(self) -> None:
        """End the client, as that of ServiceClient."""
        self._is_closed = True
        if self._opened is not None:
            await self._opened[1].aclose()

    async def is_healthy(self) -> bool:
        """Tell whether the service answers, and says that it is well. It is asked once."""
        return await self._with(lambda client: client.is_healthy())

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Answer:
        """Carry out an operation as the endpoint stands at the moment."""
        return await self._with(lambda client: client.run(operation, timeout))

    async def _with[T](self, ask: Callable[[ServiceClient], Awaitable[T]]) -> T:
        _check_open(is_closed=self._is_closed)
        endpoint = await self._instance.endpoint()
        try:
            return await ask(self._open(endpoint))
        except UnauthorizedError as error:
            if error.status != 401:
                raise
            renewed = await self._instance.renew(endpoint)
            if renewed == endpoint:
                raise
        return await ask(self._open(renewed))

    def _open(self, endpoint: Endpoint) -> ServiceClient:
        if self._opened is None or self._opened[0] != endpoint:
            # The one before is not closed: it may be at work, and holds nothing of its own.
            self._opened = endpoint, open_client(endpoint, self._name, **self._client_options)
        return self._opened[1]


class FleetClient(ServiceClient):
    """Do on every instance of a connection what ServiceClient does on one.

    A user, a group and all of a hub may have connections anywhere, and nobody knows which instance has
    a connection: what is sent goes to all, what is asked is true if it is true of one. An instance that was
    found down is left out, unless all were. Raise PartialSendError, with the error of each instance, where
    some failed.
    """

    def __init__(self, instances: Sequence[Instance], hub: str, **options: Any) -> None:
        self._members = [(instance, InstanceClient(instance, hub, **options)) for instance in instances]
        self._max_parallel = options.get("max_parallel", _PARALLEL)
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
        _check_open(is_closed=self._is_closed)
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
        up = [
            (instance, client)
            for instance, client in self._members
            if not instance.is_down or await instance.is_online()
        ]
        return up or self._members


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


def _check_open(*, is_closed: bool) -> None:
    if is_closed:
        raise RuntimeError("the client was closed: use it before, or make another")
