"""The clock of the emulator and the host: what time it is, and what happens later."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

__all__ = ["SYSTEM", "Clock", "Scheduled"]


class Scheduled(Protocol):
    """What a clock has been told to call later."""

    def cancel(self) -> None:
        """Do not call it any more."""


class Clock:
    """The clock of this machine. That of a test environment runs ahead of it."""

    ahead = 0.0
    """How many seconds it is ahead of the machine's."""

    longest_wait = 30.0
    """Seconds between two looks at the clock, which may be set while something waits."""

    def time(self) -> float:
        """Return seconds since the epoch."""
        return time.time() + self.ahead

    def monotonic(self) -> float:
        """Return seconds on a clock that nobody sets; without a lead it is that of the event loop."""
        return time.monotonic() + self.ahead

    def now(self) -> datetime:
        """Return the local time, without a zone: schedules are in local time, as on the real host."""
        return datetime.fromtimestamp(self.time())

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Scheduled:
        """Call back in the running loop after some seconds."""
        return asyncio.get_running_loop().call_later(seconds, callback)

    def call_at(self, time: float, callback: Callable[[], object]) -> Scheduled:
        """Call back at a time in seconds since the epoch, at once if it is over."""
        return self.call_later(max(0.0, time - self.time()), callback)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for an event, but not for longer than some seconds, and tell whether it came."""
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)
        return event.is_set()

    async def sleep(self, seconds: float) -> None:
        """Let some seconds pass."""
        await asyncio.sleep(seconds)


SYSTEM = Clock()
