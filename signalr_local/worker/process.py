"""The worker's main loop: frames in, functions run, frames out."""

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from . import app, debugger, frames, logs, paths
from .output import Output
from .scoreboard import Scoreboard

__all__ = ["run"]

_GRACE = 1.0
"""Seconds that functions have to end once the host is gone."""

_SCRIPT = "PYTHON_SCRIPT_FILE_NAME"


def run(folder: str, descriptor: int, patience: float) -> None:
    """Serve the app of a folder until the host closes the standard input.

    Standard output belongs to the frames: what the app prints goes to the log, what a library writes to
    the file descriptor goes to standard error. ``descriptor`` is the scoreboard's file, ``patience`` the
    seconds that the import may take before the scoreboard tells where it is.
    """
    scoreboard = Scoreboard(descriptor)
    out = _Writer(os.dup(1))
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def emit(level: int, text: str, invocation: str | None) -> None:
        out.write({"type": "log", "level": level, "text": text, "invocation": invocation})

    sys.stdout = output = Output(emit)
    logs.install(emit)
    logging.captureWarnings(True)
    paths.find_modules_of(folder, PurePath(os.environ.get(_SCRIPT) or "function_app.py").stem)
    code = 1
    try:
        debugger.listen()
        scoreboard.watch(patience)
        asyncio.run(_serve(folder, source, out, output, scoreboard))
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here, and the host is to know why
        traceback.print_exc()
    finally:
        output.end_of(None)
        sys.stderr.flush()
        # Threads of functions that never return would keep the interpreter alive.
        os._exit(code)


async def _serve(folder: str, source: Any, out: "_Writer", output: Output, scoreboard: Scoreboard) -> None:
    loop = asyncio.get_running_loop()
    listing = await app.index(folder)
    scoreboard.unwatch()
    output.end_of(None)
    out.write(listing)
    if listing["type"] == "failed":
        return
    tasks: set[asyncio.Task[None]] = set()
    ended = asyncio.Event()

    async def answer(header: frames.Header, body: bytes) -> None:
        result, content = await app.invoke(header, body, folder)
        output.end_of(header["id"])
        # The host says why it ended what it ended.
        if result["ok"] or not ended.is_set():
            out.write(result, content)

    def start(header: frames.Header, body: bytes) -> None:
        scoreboard.count()
        if ahead := header.get("ahead"):
            _set_clock(ahead)
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


def _set_clock(ahead: float) -> None:
    """Have the tokens that the app makes be of the time of a test environment."""
    # Without the library there is nobody to make any.
    with suppress(ImportError):
        from serverless_signalr._rest import clock

        clock.set_ahead(ahead)


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
