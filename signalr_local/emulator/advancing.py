"""The clock of an emulator that runs alone, which tests move over the control path."""

import asyncio
from datetime import timedelta

from signalr_local.emulator.server import Emulator
from signalr_local.movable_clock import MovableClock

__all__ = ["Advancing"]


class Advancing:
    """Move the clock of an emulator; that of its app stays as it is."""

    def __init__(self, emulator: Emulator, clock: MovableClock) -> None:
        self._emulator = emulator
        self._clock = clock

    async def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Move the clock ahead: tokens, memberships, keep-alive. What is due in between happens in its order.

        Tokens that the app makes afterwards have its own time, and are old when they come.
        """
        moved = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        await self._clock.advance(moved.total_seconds(), self._idle)

    async def _idle(self) -> None:
        """Return when no event waits for the app."""
        while waiting := [one.dispatcher for one in self._emulator.connections if one.dispatcher.waiting]:
            await asyncio.gather(*(dispatcher.done() for dispatcher in waiting))
