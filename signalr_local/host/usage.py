"""What uses a worker at the moment."""

import asyncio

__all__ = ["Usage"]


class Usage:
    """A count of the requests, timers and calls by hand that run: each for as long as it is in this context.

    ``begun`` is how many there were.
    """

    def __init__(self) -> None:
        self.begun = 0
        self._running = 0
        self._idle: asyncio.Event | None = None  # while somebody waits for it

    def __enter__(self) -> None:
        self.begun += 1
        self._running += 1

    def __exit__(self, *_: object) -> None:
        self._running -= 1
        if not self._running and self._idle is not None:
            self._idle.set()
            self._idle = None

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing runs."""
        return not self._running

    async def idle(self) -> None:
        """Wait until nothing runs."""
        if self._running:
            if self._idle is None:
                self._idle = asyncio.Event()
            await self._idle.wait()
