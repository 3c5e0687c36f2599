"""The REST client of one instance of the service, whose secret may change while it is used."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from serverless_signalr._rest.operations import Answer, Operation
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import UnauthorizedError
from serverless_signalr.protocol.names import check_hub_name
from serverless_signalr.rest import MAX_PARALLEL, ServiceClient

if TYPE_CHECKING:
    from serverless_signalr._connection.instance import Instance

__all__ = ["InstanceClient", "open_client"]


def open_client(endpoint: Endpoint, hub: str, **options: Any) -> ServiceClient:
    """Return a client of an endpoint, with the credential of its identity if that opens it."""
    credential: Any = endpoint.identity.credential() if endpoint.identity is not None else None
    return ServiceClient(endpoint, hub, credential=credential, **options)


class InstanceClient(ServiceClient):
    """Do what ServiceClient does with the endpoint that the instance has at the moment.

    Where the service answers 401, the secret is read again, once; if it has changed, the operation is
    repeated: it has not run.
    """

    def __init__(self, instance: "Instance", hub: str, **options: Any) -> None:
        self._instance = instance
        self._name = check_hub_name(hub)
        self._client_options = options
        self._opened: tuple[Endpoint, ServiceClient] | None = None
        self._max_parallel = options.get("max_parallel", MAX_PARALLEL)
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
        self._check_open()
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
