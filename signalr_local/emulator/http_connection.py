"""One connection to the app. The responses on it are read by httptools, the parser of Node.js."""

import asyncio
from typing import NamedTuple

import httptools

__all__ = ["BrokenResponseError", "HttpConnection", "NoResponseError", "Response", "TooLargeError"]


class NoResponseError(ConnectionError):
    """The app hung up, or answered something other than HTTP."""


class BrokenResponseError(ConnectionError):
    """The response ended before it was complete, or is not valid HTTP."""


class TooLargeError(ValueError):
    """The response is larger than what is accepted."""


class Response(NamedTuple):
    """A response of the app."""

    status: int
    body: bytes


class HttpConnection(asyncio.Protocol):
    """One connection, on which one request after the other is sent."""

    def __init__(self, max_body: int) -> None:
        self.has_begun = False
        """Whether the response to the latest request has begun."""
        self.idle_since = 0.0
        self._max_body = max_body
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._response: asyncio.Future[Response] | None = None
        self._body = bytearray()
        self._is_sized = False
        self._is_last = False

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and self._response is None
            and not self._is_last
        )

    async def request(self, data: bytes) -> Response:
        """Send a request and return its response."""
        assert self._transport is not None  # noqa: S101 - it was usable
        self._response = asyncio.get_running_loop().create_future()
        self._begin()
        self._transport.write(data)
        return await self._response

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read a response."""
        if self._response is None:
            # Nothing was asked for.
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(BrokenResponseError if self.has_begun else NoResponseError, f"not valid HTTP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection for that of a response that has no other end."""
        self._transport = None
        if self.has_begun and not self._is_sized and exc is None:
            self._complete()
        elif self.has_begun:
            self._fail(BrokenResponseError, "the app hung up within its response")
        else:
            self._fail(NoResponseError, "the app hung up without a response")

    def on_header(self, name: bytes, _: bytes) -> None:
        """Note whether the response says where it ends."""
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._is_sized = True

    def on_headers_complete(self) -> None:
        """Note that the response has begun."""
        self.has_begun = True

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body, up to the limit."""
        self._body += data
        if len(self._body) > self._max_body:
            self._fail(TooLargeError, f"the response has more than {self._max_body:,} bytes")

    def on_message_complete(self) -> None:
        """Hand the response over, unless another follows as after 103."""
        if self._parser.get_status_code() < 200:
            self._begin()
            return
        self._is_last = not self._parser.should_keep_alive()
        self._complete()

    def _begin(self) -> None:
        self.has_begun = self._is_sized = False
        self._body = bytearray()

    def _complete(self) -> None:
        response, self._response = self._response, None
        if response is not None and not response.done():
            response.set_result(Response(self._parser.get_status_code(), bytes(self._body)))

    def _fail(self, kind: type[Exception], text: str) -> None:
        self._is_last = True
        response, self._response = self._response, None
        if response is not None and not response.done():
            response.set_exception(kind(text))
        self.close()
