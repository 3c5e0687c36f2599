"""What waits to be written to one client."""

import asyncio
from collections import deque

__all__ = ["Outbox"]

_MAX_CHUNK = 64 * 1024
"""Frames are joined up to this size: clients refuse what is much larger than one message ever is."""


class Outbox:
    """Queue frames for one client, bounded in bytes. Whoever puts never waits, the one who takes does."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._frames: deque[bytes] = deque()
        self._is_finished = False
        self._changed = asyncio.Event()

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing is taken in any more."""
        return self._is_finished

    def put(self, frame: bytes) -> bool:
        """Add a frame; tell whether what waits is still within the limit.

        One frame alone always is, however large. After ``finish`` frames are dropped.
        """
        if self._is_finished:
            return True
        self._frames.append(frame)
        self.size += len(frame)
        self._changed.set()
        return self.size <= self._limit or len(self._frames) == 1

    def finish(self) -> None:
        """Take in nothing more; what waits can still be taken."""
        self._is_finished = True
        self._changed.set()

    async def take(self) -> bytes | None:
        """Wait for frames and return as many as fit one write. Return None after the last one."""
        while not self._frames:
            if self._is_finished:
                return None
            self._changed.clear()
            await self._changed.wait()
        frame = self._frames.popleft()
        size = len(frame)
        if self._frames:
            frames = [frame]
            while self._frames and size + len(self._frames[0]) <= _MAX_CHUNK:
                frames.append(self._frames.popleft())
                size += len(frames[-1])
            frame = b"".join(frames)
        self.size -= size
        return frame
