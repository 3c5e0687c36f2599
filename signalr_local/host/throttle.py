"""How many HTTP requests run at a time, as ``extensions.http`` of host.json says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["BusyError", "Throttle"]


class BusyError(Exception):
    """More requests are outstanding than may be."""


class Throttle:
    """Let ``max_concurrent`` requests run and ``max_outstanding`` be there, running ones included.

    None is any number.
    """

    def __init__(self, max_concurrent: int | None, max_outstanding: int | None) -> None:
        self._running = None if max_concurrent is None else asyncio.Semaphore(max_concurrent)
        self._max_outstanding = max_outstanding
        self._outstanding = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until the request may run. Raise BusyError where too many are there."""
        if self._max_outstanding is not None and self._outstanding >= self._max_outstanding:
            raise BusyError
        self._outstanding += 1
        try:
            if self._running is None:
                yield
            else:
                async with self._running:
                    yield
        finally:
            self._outstanding -= 1
