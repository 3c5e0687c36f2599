"""The worker's main loop: frames in, functions run, frames out."""

import asyncio
import logging
import os
import sys
import threading
import traceback
from asyncio import Task  # the app may put another in its place
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from . import app, debugger, frames, logs, paths, reading, tracebacks
from .output import Emit, Output
from .scoreboard import Scoreboard
from .watchdog import Watchdog

__all__ = ["run"]

_SCRIPT = "PYTHON_SCRIPT_FILE_NAME"


def run(folder: str, descriptor: int, patience: float) -> None:
    """Serve the app of a folder until the host closes the standard input.

    Standard output belongs to the frames: what the app prints goes to the log, what a library writes to
    the file descriptor goes to standard error. ``descriptor`` is the scoreboard's file, ``patience`` the
    seconds that the import may take, or a function may block the loop, before the scoreboard tells where.
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
        is_debugged = debugger.listen()
        scoreboard.watch(patience)
        asyncio.run(_serve(folder, source, out, emit, output, scoreboard, None if is_debugged else patience))
        code = 0
    except BaseException as error:  # noqa: BLE001 - the process ends here, and the host is to know why
        sys.stderr.write(_last_words(error, folder))
    finally:
        output.end_of(None)
        sys.stderr.flush()
        # Threads of functions that never return would keep the interpreter alive.
        os._exit(code)


async def _serve(
    folder: str,
    source: Any,
    out: "_Writer",
    emit: Emit,
    output: Output,
    scoreboard: Scoreboard,
    patience: float | None,
) -> None:
    loop = asyncio.get_running_loop()
    listing = await app.index(folder)
    scoreboard.unwatch()
    output.end_of(None)
    out.write(listing)
    if listing["type"] == "failed":
        return
    if warning := logs.lost():
        emit(logging.WARNING, warning, None)
    tasks: set[Task[None]] = set()
    ended = asyncio.Event()
    # In a debugger, a function stops the loop for as long as somebody looks at it.
    watchdog = None if patience is None else Watchdog(scoreboard, patience, lambda: bool(tasks))

    async def answer(header: frames.Header, body: bytes, is_last: bool) -> None:
        is_ok, frame = await app.invoke(header, body, folder)
        output.end_of(header["id"])
        # The host says why it ended what it ended.
        if is_ok or not ended.is_set():
            out.write_soon(frame, is_alone=is_last and len(tasks) < 2)

    def start(header: frames.Header, body: bytes, is_last: bool) -> None:
        scoreboard.count()
        if watchdog is not None:
            watchdog.call()
        if ahead := header.get("ahead"):
            _set_clock(ahead)
        # It runs at once: most functions get to their first wait, or to their end, in no time.
        task = Task(answer(header, body, is_last), loop=loop, eager_start=True)
        if not task.done():
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    reading.start(source, start, ended.set)
    await ended.wait()


def _last_words(error: BaseException, folder: str) -> str:
    """Return what to say of an exception that ended the event loop, which the app has in its hands."""
    if isinstance(error, asyncio.CancelledError):
        what = "cancelled every task of the event loop"
    elif str(error) == "Event loop stopped before Future completed.":
        what = "stopped the event loop"
    elif isinstance(error, (SystemExit, KeyboardInterrupt)):
        what = f"raised {error!r} in a task or a callback of the event loop"
    else:
        return traceback.format_exc()
    stack = tracebacks.format_stack(error, folder)
    return "\n".join([*stack.splitlines(), f"The app {what}, which ends the worker.", ""])


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
        self._outgoing: list[bytes] = []
        self._is_first = True

    def write(self, header: frames.Header, body: bytes = b"") -> None:
        self.write_frame(frames.encode(header, body))

    def write_soon(self, frame: bytes, *, is_alone: bool) -> None:
        """Write a frame now, and those that follow in the same turn of the loop together at its end.

        With ``is_alone``, none is expected to follow.
        """
        if not self._is_first:
            self._outgoing.append(frame)
            return
        if not is_alone:
            self._is_first = False
            asyncio.get_running_loop().call_soon(self._flush)
        self.write_frame(frame)

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        self._is_first = True
        if outgoing:
            self.write_frame(b"".join(outgoing))

    def write_frame(self, frame: bytes) -> None:
        """Write a frame now, after those that wait."""
        with self._lock:
            try:
                self._stream.write(frame)
                self._stream.flush()
            except OSError:
                # The host is gone, and with it everybody who waited for this.
                os._exit(0)
