"""What a worker leaves for its host to read even after its death: a file that both have open."""

import faulthandler
import mmap
import os
import struct

__all__ = ["PLACES", "SIZE", "STARTED", "Scoreboard"]

SIZE = mmap.PAGESIZE
"""Bytes before the places of threads, which Python appends."""

STARTED = struct.Struct("@Q")
"""How many invocations have begun, at the beginning of the file."""

PLACES = SIZE


class Scoreboard:
    """A count of the invocations that began, and the places where Python found the threads.

    The host can read both while the app blocks every thread, and after it has crashed.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        os.lseek(descriptor, PLACES, os.SEEK_SET)
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, SIZE)
        self._count = 0
        faulthandler.enable(descriptor)

    def count(self) -> None:
        """Note that one more invocation begins."""
        self._count += 1
        STARTED.pack_into(self._memory, 0, self._count)

    def watch(self, seconds: float) -> None:
        """Note where the threads are after some seconds, unless ``unwatch`` comes first."""
        faulthandler.dump_traceback_later(seconds, file=self._descriptor)

    def unwatch(self) -> None:
        """Keep quiet about where the threads are."""
        faulthandler.cancel_dump_traceback_later()
