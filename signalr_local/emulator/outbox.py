"""What waits to be written to one client that asks for it: long polling and Server-Sent Events."""

import asyncio
from collections import deque
from collections.abc import Callable

from signalr_local.emulator.backlog import Backlog

__all__ = ["Outbox"]

_MAX_CHUNK = 64 * 1024
"""Frames are joined up to this size: clients refuse what is much larger than one message ever is."""


class Outbox:
    """Queue frames for one client. Whoever puts never waits, the one who takes does.

    ``cut_off`` is called when the backlog says that too much waits here.
    """

    __slots__ = ("_backlog", "_changed", "_frames", "_is_finished", "_is_held", "cut_off", "size")

    def __init__(self, backlog: Backlog, cut_off: Callable[[], None]) -> None:
        self.size = 0
        self.cut_off = cut_off
        self._backlog = backlog
        self._frames: deque[bytes] = deque()
        self._is_finished = False
        self._is_held = False
        self._changed = asyncio.Event()

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is taken in."""
        return self._is_finished

    def put(self, frame: bytes) -> None:
        """Add a frame. After ``finish`` it is dropped."""
        if self._is_finished:
            return
        self._frames.append(frame)
        self._changed.set()
        self.size += len(frame)
        self._backlog.update(self, len(self._frames))

    def hold(self) -> None:
        """Give nothing out until ``release``."""
        self._is_held = True

    def release(self) -> None:
        """Give out again what waits."""
        self._is_held = False
        self._changed.set()

    def finish(self) -> None:
        """Take in nothing more; what waits can still be taken."""
        self._is_finished = True
        self._changed.set()

    def clear(self) -> None:
        """Finish, and drop what waits."""
        self.finish()
        self._is_held = False
        self._frames.clear()
        self.size = 0
        self._backlog.remove(self)

    async def take(self) -> bytes | None:
        """Wait for frames and return as many as fit one write. Return None after the last one."""
        while not self._frames or self._is_held:
            if self._is_finished and not self._is_held:
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
        self._backlog.update(self, len(self._frames))
        return frame
