"""A clock that stands still, clients that keep their pieces, and a service that fails when it is told to."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from serverless_signalr._answers.streaming import AnswerStream, stream_answer
from serverless_signalr.errors import ServiceError

__all__ = ["Clients", "FakeClock", "FakeTimer", "settle", "stream_to", "text_of"]


class FakeTimer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object]) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (self.now + delay, next(self._numbers), timer))
        return timer

    async def advance(self, seconds: float) -> None:
        """Let time pass, and what waits for it happen in order."""
        end = self.now + seconds
        await settle()
        while self._timers and self._timers[0][0] <= end:
            self.now, _, timer = heapq.heappop(self._timers)
            if timer.callback is not None:
                timer.callback()
            await settle()
        self.now = end


async def settle() -> None:
    """Let everything happen that waits for nothing but its turn."""
    ready: Any = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110 - there is no event for that nothing is left to do
        await asyncio.sleep(0)


class Clients:
    """Receive pieces; the service between raises the next error first, if there is one."""

    def __init__(self) -> None:
        self.pieces: list[dict[str, Any]] = []
        self.failures: list[ServiceError] = []
        self.gate: asyncio.Event | None = None
        self.tries = 0

    async def answer_piece(self, piece: dict[str, Any]) -> None:
        self.tries += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.pieces.append(piece)

    @property
    def texts(self) -> list[str]:
        return [piece["text"] for piece in self.pieces if piece["kind"] == "text"]

    @property
    def kinds(self) -> list[str]:
        return [piece["kind"] for piece in self.pieces]


def text_of(pieces: list[dict[str, Any]]) -> str:
    return "".join(piece["text"] for piece in pieces if piece["kind"] == "text")


def stream_to(clients: Clients, clock: FakeClock, **options: Any) -> AnswerStream:
    return stream_answer(clients, clock=clock, **{"every": timedelta(milliseconds=100)} | options)
