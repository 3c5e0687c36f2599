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
        self._idle = asyncio.Event()
        self._idle.set()

    def __enter__(self) -> None:
        self.begun += 1
        self._running += 1
        self._idle.clear()

    def __exit__(self, *_: object) -> None:
        self._running -= 1
        if not self._running:
            self._idle.set()

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing runs."""
        return self._idle.is_set()

    async def idle(self) -> None:
        """Wait until nothing runs."""
        await self._idle.wait()
