"""How many HTTP requests run at a time, as ``extensions.http`` of host.json says."""

import asyncio

__all__ = ["BusyError", "Throttle"]


class BusyError(Exception):
    """More requests are outstanding than may be."""


class Throttle:
    """A context that lets ``max_concurrent`` requests run and ``max_outstanding`` be there, running ones
    included.

    None is any number. Entering it waits until the request may run, or raises BusyError where too many are
    there.
    """

    def __init__(self, max_concurrent: int | None, max_outstanding: int | None) -> None:
        self._running = None if max_concurrent is None else asyncio.Semaphore(max_concurrent)
        self._max_outstanding = max_outstanding
        self._outstanding = 0

    async def __aenter__(self) -> None:
        if self._max_outstanding is not None and self._outstanding >= self._max_outstanding:
            raise BusyError
        self._outstanding += 1
        if self._running is not None:
            try:
                await self._running.acquire()
            except BaseException:
                self._outstanding -= 1
                raise

    async def __aexit__(self, *_: object) -> None:
        self._outstanding -= 1
        if self._running is not None:
            self._running.release()
