"""When what is queued for clients is written to them.

Writing to a socket is by far the most expensive step of a send. What several requests send to a connection
within one turn of the event loop therefore goes out with a single write, at the end of the turn.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from signalr_local.clock import SYSTEM, Clock
from signalr_local.emulator.backlog import Backlog
from signalr_local.emulator.limits import Limits

__all__ = ["Delivery", "Writer"]


class Writer(Protocol):
    """The queue of one client."""

    def flush(self) -> None:
        """Write what is queued."""


class Delivery:
    """Flush the queues that were added to in this turn of the loop."""

    __slots__ = ("_clock", "_loop", "backlog", "limits", "now", "touched")

    def __init__(self, limits: Limits, clock: Clock = SYSTEM) -> None:
        """Keep the limits; needs a running loop."""
        self._clock = clock
        self.limits = limits
        self.backlog = Backlog(limits.send_buffer, limits.send_buffers)
        self._loop = asyncio.get_running_loop()
        self.touched: list[Writer] = []
        """The queues to flush at the end of this turn. Whoever adds the first one calls ``arm``."""
        self.now = clock.monotonic()
        """When something was last flushed, on the clock."""

    def arm(self) -> None:
        """Flush what was touched at the end of this turn."""
        self._loop.call_soon(self._flush)

    def flush_one(self, writer: Writer) -> None:
        """Flush a queue now."""
        self.now = self._clock.monotonic()
        writer.flush()

    def _flush(self) -> None:
        self.now = self._clock.monotonic()
        touched: Sequence[Writer] = self.touched
        self.touched = []
        for writer in touched:
            writer.flush()
