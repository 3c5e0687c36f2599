"""The transport of long polling: the client asks again and again, and waits for each answer.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md.
"""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from signalr_local.emulator.delivery import Delivery
from signalr_local.emulator.incoming import NOT_CACHED
from signalr_local.emulator.posting import PostingSession
from signalr_local.emulator.session import Open
from signalr_local.emulator.terms import Terms
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.transports import LONG_POLLING

__all__ = ["PollingSession"]

_log = logging.getLogger(__name__)


class PollingSession(PostingSession):
    """Answer the polls of a client. One that stays away too long has left."""

    transport = LONG_POLLING

    __slots__ = ("_absence", "_gap", "_is_known", "_taking")

    def __init__(
        self,
        open_connection: Open,
        timing: Timing,
        terms: Terms,
        delivery: Delivery,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(open_connection, timing, terms, delivery, on_end)
        self._gap = terms.poll_gap or timing.poll_gap
        self._is_known = False
        self._taking: asyncio.Task[bytes | None] | None = None
        self._absence: asyncio.TimerHandle | None = None

    async def get(self, _: web.BaseRequest, /) -> web.StreamResponse:
        """Answer a poll: the first one at once, the others when there is something, or nothing any more."""
        if not self._is_known:
            self._is_known = True
            self._expect_poll()
            return self._answer(b"")
        if self._taking is not None:
            # A client polls anew where it has given the last poll up.
            self._taking.cancel()
        if self._absence is not None:
            self._absence.cancel()
        taking = self._taking = asyncio.create_task(self.take())
        try:
            await asyncio.wait([taking], timeout=self._timing.poll)
        finally:
            taking.cancel()
            if self._taking is taking:
                self._taking = None
                self._expect_poll()
        if not taking.done():
            return self._answer(b"")
        if taking.cancelled():
            return self._answer(None)
        chunk = taking.result()
        if chunk is None:
            self.leave()
        return self._answer(chunk)

    def leave(self) -> None:
        """Say that the client is gone; what it has sent until now counts. Leaving twice is no error."""
        super().leave()
        if self._absence is not None:
            self._absence.cancel()

    def _expect_poll(self) -> None:
        if not self.is_gone:
            self._absence = asyncio.get_running_loop().call_later(self._gap, self._miss_poll)

    def _miss_poll(self) -> None:
        _log.info("A client that polls has not polled for %g seconds: it counts as gone.", self._gap)
        self.leave()

    def _answer(self, chunk: bytes | None) -> web.Response:
        if chunk is None:
            return web.Response(status=HTTPStatus.NO_CONTENT, headers=NOT_CACHED)
        content_type = "text/plain" if self.is_text else "application/octet-stream"
        return web.Response(body=chunk, content_type=content_type, headers=NOT_CACHED)
