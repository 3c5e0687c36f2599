"""An HTTP server that does not wait for ever: clients that send a request slowly, or only half of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

__all__ = ["PatientServer", "read_body"]


class PatientServer(web.Server):
    """Cut off connections that have not sent the head of a request in time.

    aiohttp sets a limit on the pause between two requests, and none on the first.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        patience: float,
        **options: Any,
    ) -> None:
        """Answer requests with ``handler``; ``patience`` is in seconds."""
        super().__init__(self._handle, **options)
        self._answer = handler
        self._patience = patience
        self._waiting: dict[object, asyncio.TimerHandle] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Begin to wait for a request."""
        super().connection_made(handler, transport)
        loop = asyncio.get_running_loop()
        self._waiting[handler] = loop.call_later(self._patience, transport.abort)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Wait no longer."""
        super().connection_lost(handler, exc)
        self._came(handler)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._came(request.protocol)
        return await self._answer(request)

    def _came(self, handler: object) -> None:
        timer = self._waiting.pop(handler, None)
        if timer is not None:
            timer.cancel()


async def read_body(request: web.BaseRequest, limit: int, patience: float) -> bytes:
    """Return the body of a request.

    Raise HTTPRequestEntityTooLarge if it has more than ``limit`` bytes, HTTPRequestTimeout if it takes more
    than ``patience`` seconds.
    """
    if request.content.is_eof():
        # It came along with the head, as small bodies do.
        body = bytearray(request.content.read_nowait())
        _check_size(body, limit)
        return bytes(body)
    body = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for chunk in request.content.iter_any():
                body += chunk
                _check_size(body, limit)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=f"The body took more than {patience:g} seconds.") from None
    return bytes(body)


def _check_size(body: bytearray, limit: int) -> None:
    if len(body) > limit:
        text = f"The body may have {limit:,} bytes."
        raise web.HTTPRequestEntityTooLarge(limit, len(body), text=text)
