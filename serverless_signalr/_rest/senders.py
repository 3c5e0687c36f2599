"""The senders to one instance of the service, with a fixed or a changing secret."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from serverless_signalr._extras import requiring
from serverless_signalr._hosts import check_https
from serverless_signalr._rest.addressees import segment
from serverless_signalr._rest.lists import list_items
from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.options import Options
from serverless_signalr._rest.responses import Response, refusal
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import (
    PayloadTooLargeError,
    ServiceError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from serverless_signalr.protocol.names import check_hub_name
from serverless_signalr.protocol.text import well_formed

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from serverless_signalr._rest.pipeline import Pipeline

__all__ = ["MAX_URL", "Direct", "Late", "Renewable", "Renewing", "Sender", "url_of"]

MAX_URL = 16 * 1024
"""Largest size of the URL and the headers together, in bytes."""


class Sender(Protocol):
    """The protocol of senders, which carry out the operations of one hub."""

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Return a valid response to the operation. Raise ServiceError for any other."""
        ...

    async def is_healthy(self) -> bool:
        """Tell whether the service reports that it is healthy."""
        ...

    def items(self, path: str, top: int | None, page_size: int | None) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the items of all pages of a list."""
        ...

    async def aclose(self) -> None:
        """Release the sockets of the running event loop."""
        ...


class Direct:
    """A sender to one endpoint, with its access key or a credential."""

    def __init__(
        self, endpoint: Endpoint, hub: str, credential: "AsyncTokenCredential | None", options: Options
    ) -> None:
        if credential is not None:
            check_https(endpoint.server_url, endpoint.server_url)
        elif endpoint.access_key is None:
            raise ValueError(
                f"the connection to {endpoint.server_url} has no AccessKey: pass a credential, such as "
                "azure.identity.aio.DefaultAzureCredential()"
            )
        self._endpoint = endpoint
        self._credential = credential
        self._hub_url = f"{endpoint.server_url}/api/hubs/{segment('hub name', check_hub_name(hub).lower())}"
        self._options = options
        self._query = options.query()
        self._timeout = options.timeout.total_seconds()

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Send an operation to the endpoint."""
        version = operation.api_version
        fixed = self._query if version is None else self._options.query(version)
        url = url_of(operation, self._hub_url, fixed)
        seconds = self._timeout if timeout is None else timeout.total_seconds()
        response = await self._pipeline.send(operation, url, timeout=seconds, retries=self._options.retries)
        if response.status >= 300 and not operation.accepts(response):
            raise self._refusal(operation, url, response)
        return response

    async def is_healthy(self) -> bool:
        """Ask the endpoint once whether it is healthy.

        The request needs no credentials, so the result says nothing about the key or the identity.
        """
        operation = Operation("HEAD", "/api/health")
        version = f"api-version={quote(self._options.api_version)}"
        url = url_of(operation, self._endpoint.server_url, version)
        try:
            response = await self._pipeline.send(operation, url, timeout=self._timeout, retries=0)
        except ServiceUnavailableError:
            return False
        if response.status < 500 and not operation.accepts(response):
            raise self._refusal(operation, url, response)
        return response.status < 500

    def items(self, path: str, top: int | None, page_size: int | None) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the items of a list, page by page."""
        return list_items(self.run, path, top, page_size)

    async def aclose(self) -> None:
        """Leave the pool of the running loop, if the sender uses it."""
        if "_pipeline" in self.__dict__:
            await self._pipeline.aclose()

    @cached_property
    def _pipeline(self) -> "Pipeline":
        with requiring("serverless_signalr.rest"):
            from serverless_signalr._rest.pipeline import Pipeline

        return Pipeline(
            self._endpoint,
            self._credential,
            connect_timeout=self._options.connect_timeout.total_seconds(),
            retry_delay=self._options.retry_delay.total_seconds(),
        )

    def _refusal(self, operation: Operation, url: str, response: Response) -> ServiceError:
        what = f"{operation.method} {urlsplit(url).path}"
        return refusal(what, response, is_identity=self._credential is not None)


def url_of(operation: Operation, base: str, fixed: str) -> str:
    """Return the URL of an operation below ``base``, with a query that ends in ``fixed``.

    Raise PayloadTooLargeError if it is longer than the service accepts.
    """
    query = f"{_query(operation.query)}&{fixed}" if operation.query else fixed
    url = f"{base}{operation.path}?{query}"
    if len(url) > MAX_URL:
        raise PayloadTooLargeError(
            f"the URL has {len(url):,} characters, the service accepts {MAX_URL:,}, headers included: "
            "exclude fewer connections, or shorten the names"
        )
    return url


def _query(pairs: Sequence[tuple[str, str]]) -> str:
    # A reason or a filter is free text: half of a surrogate pair becomes U+FFFD, as in a message.
    return urlencode([(name, well_formed(value)) for name, value in pairs], quote_via=quote)


class Renewable(Protocol):
    """An endpoint whose secret may change."""

    async def endpoint(self) -> Endpoint:
        """Return the current endpoint."""
        ...

    async def renew(self, refused: Endpoint) -> Endpoint:
        """Read the secret of a refused endpoint again, and return the endpoint, changed or not."""
        ...


class Renewing:
    """A sender to the current endpoint of an instance.

    After a 401 the secret is read again, once. If it has changed, the operation is retried, since it did not
    run.
    """

    def __init__(self, instance: Renewable, connect: Callable[[Endpoint], Direct]) -> None:
        """Take an instance, and a function that creates the sender for each of its endpoints."""
        self._instance = instance
        self._connect = connect
        self._current: tuple[Endpoint, Direct] | None = None

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Send an operation to the current endpoint."""
        return await self._with(lambda sender: sender.run(operation, timeout))

    async def is_healthy(self) -> bool:
        """Ask the current endpoint once whether it is healthy."""
        return await self._with(Direct.is_healthy)

    def items(self, path: str, top: int | None, page_size: int | None) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the items of a list, page by page."""
        return list_items(self.run, path, top, page_size)

    async def aclose(self) -> None:
        """Leave the pool of the running loop."""
        if self._current is not None:
            await self._current[1].aclose()

    async def _with[T](self, ask: Callable[[Direct], Awaitable[T]]) -> T:
        endpoint = await self._instance.endpoint()
        try:
            return await ask(self._at(endpoint))
        except UnauthorizedError as error:
            if error.status != 401:
                raise
            renewed = await self._instance.renew(endpoint)
            if renewed == endpoint:
                raise
        return await ask(self._at(renewed))

    def _at(self, endpoint: Endpoint) -> Direct:
        if self._current is None or self._current[0] != endpoint:
            # The previous sender is not closed: it may be in use, and it owns no resources.
            self._current = endpoint, self._connect(endpoint)
        return self._current[1]


class Late:
    """A sender that is created when it is first needed."""

    def __init__(self, make: Callable[[], Sender]) -> None:
        """Take a function that creates the sender. What it raises, every operation raises."""
        self._make = make

    @cached_property
    def _sender(self) -> Sender:
        return self._make()

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Send an operation."""
        return await self._sender.run(operation, timeout)

    async def is_healthy(self) -> bool:
        """Ask the service once whether it is healthy."""
        return await self._sender.is_healthy()

    def items(self, path: str, top: int | None, page_size: int | None) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the items of a list."""
        return self._sender.items(path, top, page_size)

    async def aclose(self) -> None:
        """Leave the pool of the running loop, if the sender uses it."""
        if "_sender" in self.__dict__:
            await self._sender.aclose()
