"""The worker's main loop: frames in, functions run, frames out."""

import asyncio
import logging
import os
import sys
import threading
import time
from typing import Any

from . import app, frames, logs

__all__ = ["run"]

_GRACE = 1.0
"""Seconds that functions have to end once the host is gone."""


def run(folder: str) -> None:
    """Serve the app of a folder until the host closes the standard input.

    Standard output belongs to the frames: what the app prints goes to the log, what a library writes to
    the file descriptor goes to standard error.
    """
    out = _Writer(os.dup(1))
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def emit(level: int, text: str, invocation: str | None) -> None:
        out.write({"type": "log", "level": level, "text": text, "invocation": invocation})

    sys.stdout = logs.Printed(emit)
    logs.install(emit)
    logging.captureWarnings(True)
    _find_modules_of(folder)
    try:
        asyncio.run(_serve(folder, source, out))
    finally:
        # Threads of functions that never return would keep the interpreter alive.
        os._exit(0)


def _find_modules_of(folder: str) -> None:
    # As in Azure: installed packages first, the worker's own next, the app's folder last.
    sys.path.insert(0, os.path.join(folder, ".python_packages", "lib", "site-packages"))
    sys.path.append(folder)
    os.chdir(folder)


async def _serve(folder: str, source: Any, out: "_Writer") -> None:
    loop = asyncio.get_running_loop()
    listing = await app.index(folder)
    out.write(listing)
    if listing["type"] == "failed":
        return
    tasks: set[asyncio.Task[None]] = set()
    ended = asyncio.Event()

    async def answer(header: frames.Header, body: bytes) -> None:
        out.write(*await app.invoke(header, body))

    def start(header: frames.Header, body: bytes) -> None:
        task = loop.create_task(answer(header, body))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def read() -> None:
        while (frame := frames.read(source)) is not None:
            loop.call_soon_threadsafe(start, *frame)
        loop.call_soon_threadsafe(ended.set)
        # A function that blocks the loop, or refuses to be cancelled, must not outlive the host.
        time.sleep(_GRACE)
        os._exit(0)

    threading.Thread(target=read, name="frames", daemon=True).start()
    await ended.wait()


class _Writer:
    """Write whole frames, from whatever thread."""

    def __init__(self, descriptor: int) -> None:
        self._stream = os.fdopen(descriptor, "wb")
        self._lock = threading.Lock()

    def write(self, header: frames.Header, body: bytes = b"") -> None:
        frame = frames.encode(header, body)
        with self._lock:
            try:
                self._stream.write(frame)
                self._stream.flush()
            except OSError:
                # The host is gone, and with it everybody who waited for this.
                os._exit(0)
