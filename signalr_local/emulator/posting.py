"""Clients that send by POST: what Server-Sent Events and long polling have in common."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable

from aiohttp import web

from signalr_local.emulator.delivery import Delivery
from signalr_local.emulator.outbox import Outbox
from signalr_local.emulator.protocols import Encoded
from signalr_local.emulator.session import Open, Session
from signalr_local.emulator.terms import Terms
from signalr_local.emulator.timing import Timing

__all__ = ["PostingSession"]


class PostingSession(Session):
    """Hold one client during its requests and between them.

    ``post`` is given what it sends, ``get`` answers with what it is to be sent.
    """

    __slots__ = ("_outbox", "_room")

    def __init__(
        self,
        open_connection: Open,
        timing: Timing,
        terms: Terms,
        delivery: Delivery,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(open_connection, timing, terms, delivery, on_end)
        self._outbox = Outbox(delivery.backlog, self._cut_off)
        self._room = asyncio.Event()
        self._room.set()

    @property
    def is_gone(self) -> bool:
        """Whether the client has left, so that it sends nothing more."""
        return self._is_hung_up

    @property
    def is_text(self) -> bool:
        """Whether what the client is to be sent is text."""
        return self._connection is None or self._connection.protocol.is_text

    @abstractmethod
    async def get(self, request: web.BaseRequest, /) -> web.StreamResponse:
        """Answer a request for what the client is to be sent."""

    async def post(self, data: bytes) -> None:
        """Take in what the client sent; wait while very much of it waits. After its end it is dropped."""
        while not self._room.is_set():
            await self._room.wait()
        if not self._is_hung_up:
            self.receive(data)

    async def take(self) -> bytes | None:
        """Wait for what the client is to be sent. Return None after the last of it."""
        frames = await self._outbox.take()
        self.sent += len(frames or b"")
        return frames

    def put(self, message: Encoded) -> None:
        """Queue a message for the client."""
        self.last_sent = self._timing.clock.monotonic()
        self._outbox.put(message.payload)

    def flush(self) -> None:
        """Do nothing: what is queued is sent when the client asks for it."""

    def finish(self, within: float) -> None:
        """Let the client ask for what is queued, and then for nothing more."""
        self._outbox.finish()
        self._settle()
        self._timer = self._loop.call_later(within, self.abort)

    def hold(self) -> None:
        """Let requests for what the client is to be sent wait until ``release``."""
        self._outbox.hold()

    def release(self) -> None:
        """Send again, first what has piled up."""
        self._outbox.release()

    def pause_reading(self) -> None:
        """Let requests of the client wait until ``resume_reading``."""
        self._room.clear()

    def resume_reading(self) -> None:
        """Take in again what the client sends."""
        self._room.set()

    def leave(self) -> None:
        """End the session of a client that is gone; what it has sent until now counts."""
        if not self._is_hung_up:
            self._outbox.clear()
            self._room.set()
            self._hung_up()

    def abort(self) -> None:
        """Cut the client off."""
        self.leave()

    def _cut_off(self) -> None:
        waiting = self._outbox.size
        if self._connection is not None:
            self._connection.cut_off(waiting)
        self.abort()
