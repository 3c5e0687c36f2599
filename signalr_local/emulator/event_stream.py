"""The transport of Server-Sent Events: one request lasts as long as the connection.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md.
"""

import contextlib
import re
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from signalr_local.emulator.delivery import Delivery
from signalr_local.emulator.origin import allow_origin
from signalr_local.emulator.posting import PostingSession
from signalr_local.emulator.session import Open
from signalr_local.emulator.terms import Terms
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.transports import EVENT_STREAM

__all__ = ["EventStreamSession"]

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-store",
    "Content-Encoding": "identity",
}
_LINE_BREAK = re.compile(rb"\r\n|\r|\n")


class EventStreamSession(PostingSession):
    """Send a client its messages as events. What breaks their stream ends the connection."""

    transport = EVENT_STREAM

    __slots__ = ("_request",)

    def __init__(
        self,
        open_connection: Open,
        timing: Timing,
        terms: Terms,
        delivery: Delivery,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(open_connection, timing, terms, delivery, on_end)
        self._request: web.BaseRequest | None = None

    async def get(self, request: web.BaseRequest, /) -> web.StreamResponse:
        """Send events until the connection ends. There is one such request for a connection."""
        if self._request is not None:
            return web.Response(status=HTTPStatus.CONFLICT)
        self._request = request
        response = web.StreamResponse(headers=_HEADERS)
        allow_origin(request, response)
        try:
            with contextlib.suppress(ConnectionError):
                await response.prepare(request)
                # A comment, which tells the client that the stream is open.
                await response.write(b":\r\n")
                while (chunk := await self.take()) is not None:
                    await response.write(_event(chunk))
                await response.write_eof()
        finally:
            self.leave()
        return response

    def abort(self) -> None:
        """Cut the client off."""
        super().abort()
        if self._request is not None and self._request.transport is not None:
            self._request.transport.abort()


def _event(data: bytes) -> bytes:
    # Only what an app sends as it pleases has line breaks; the client puts the lines together again.
    return b"".join(b"data: %b\r\n" % line for line in _LINE_BREAK.split(data)) + b"\r\n"
