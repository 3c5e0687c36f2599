"""The time of answers: an event loop's own, or another in tests."""

import asyncio
from collections.abc import Callable
from typing import Protocol

__all__ = ["Clock", "Timer", "wait"]


class Timer(Protocol):
    """A call that is scheduled."""

    def cancel(self) -> None:
        """Do not make the call."""


class Clock(Protocol):
    """What tells the time and calls later. An event loop is one."""

    def time(self) -> float:
        """Return the time in seconds, from any moment on."""
        ...

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call ``callback`` after ``delay`` seconds."""
        ...


async def wait(clock: Clock, seconds: float) -> None:
    """Wait by a clock."""
    woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    timer = clock.call_later(seconds, wake)
    try:
        await woken
    finally:
        timer.cancel()
