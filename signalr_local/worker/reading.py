"""Frames of the host, as they come: read on the event loop, which saves each call two threads' hand-over."""

import asyncio
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from . import frames

__all__ = ["start"]

_GRACE = 1.0
"""Seconds that functions have to end once the host is gone."""

_CHUNK = 1 << 18

type OnFrame = Callable[[frames.Header, bytes, bool], None]
"""Take header and body of a frame, and whether it is the last one that is there."""


def start(source: BinaryIO, on_frame: OnFrame, on_end: Callable[[], None]) -> None:
    """Call ``on_frame`` for every frame of a pipe, and ``on_end`` once at its end, both on the running loop.

    A second after the end the process is over: a function that blocks the loop, or refuses to be cancelled,
    must not outlive the host.
    """
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        # Its loop does not read the pipes that a process inherits.
        _in_thread(_read_blocking, source, loop, on_frame, on_end)
        return
    descriptor, cutter = source.fileno(), frames.Cutter()
    os.set_blocking(descriptor, False)

    def read() -> None:
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            loop.remove_reader(descriptor)
            on_end()
            return
        found = cutter.feed(data)
        for position, (header, body) in enumerate(found, 1):
            on_frame(header, body, position == len(found))

    loop.add_reader(descriptor, read)
    _in_thread(_wait_for_end, descriptor)


def _in_thread(target: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=target, args=arguments, name="frames", daemon=True).start()


def _wait_for_end(descriptor: int) -> None:
    """Wait until the host closes the pipe, whatever the loop does meanwhile."""
    poll = select.poll()
    # Without an event to wait for, the end alone is told.
    poll.register(descriptor, 0)
    poll.poll()
    time.sleep(_GRACE)
    os._exit(0)


def _read_blocking(
    source: BinaryIO, loop: asyncio.AbstractEventLoop, on_frame: OnFrame, on_end: Callable[[], None]
) -> None:
    while (frame := frames.read(source)) is not None:
        loop.call_soon_threadsafe(on_frame, *frame, True)
    loop.call_soon_threadsafe(on_end)
    time.sleep(_GRACE)
    os._exit(0)
