"""The clock of answers: the event loop, or another clock in tests."""

import asyncio
from collections.abc import Callable
from typing import Protocol

__all__ = ["Clock", "Timer", "wait"]


class Timer(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Cancel the call."""


class Clock(Protocol):
    """A source of time that can schedule calls, such as an event loop."""

    def time(self) -> float:
        """Return the time in seconds since any fixed moment."""
        ...

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call ``callback`` after ``delay`` seconds."""
        ...


async def wait(clock: Clock, seconds: float) -> None:
    """Wait for a number of seconds on a clock."""
    woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    timer = clock.call_later(seconds, wake)
    try:
        await woken
    finally:
        timer.cancel()
