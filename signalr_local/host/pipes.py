"""The pipes between host and worker: frames one way, frames and lines the other."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from signalr_local.host import frame_headers
from signalr_local.worker import frames
from signalr_local.worker.lines import LineCutter

__all__ = ["Outgoing", "Pipes", "level_of"]

_STDOUT, _STDERR = 1, 2


class Pipes(asyncio.SubprocessProtocol):
    """The host's ends of a worker's pipes, which cut what the worker writes into frames and lines.

    ``exited`` is set when the process has ended, ``drained`` when everything that it wrote was passed on,
    which takes until its children have closed the pipes that they inherited.
    """

    def __init__(
        self, on_frame: Callable[[dict[str, Any], bytes], None], on_line: Callable[[str], None]
    ) -> None:
        self.exited = asyncio.Event()
        self.drained = asyncio.Event()
        self._on_frame = on_frame
        self._on_line = on_line
        self._frames = frames.Cutter(frame_headers.decode)
        self._lines = LineCutter()
        self._open = {_STDOUT, _STDERR}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDOUT:
            for header, body in self._frames.feed(data):
                self._on_frame(header, body)
        else:
            self._pass_on(self._lines.feed(data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        if fd == _STDERR:
            self._pass_on(self._lines.end())
        self._open.discard(fd)
        if not self._open:
            self.drained.set()

    def process_exited(self) -> None:
        self.exited.set()

    def _pass_on(self, lines: list[bytes]) -> None:
        for line in lines:
            self._on_line(line.decode(errors="replace"))


class Outgoing:
    """Write the first frame of a turn of the event loop at once, the others together at the turn's end."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._is_first = True

    def write(self, pipe: asyncio.WriteTransport, frame: bytes) -> None:
        """Write a frame now or soon, unless the pipe is closed by then."""
        if not self._is_first:
            self._frames.append(frame)
            return
        self._is_first = False
        asyncio.get_running_loop().call_soon(self._flush, pipe)
        if not pipe.is_closing():
            pipe.write(frame)

    def _flush(self, pipe: asyncio.WriteTransport) -> None:
        written, self._frames = self._frames, []
        self._is_first = True
        if written and not pipe.is_closing():
            pipe.write(b"".join(written))


def level_of(line: str) -> int:
    """Return the level of a line of standard error, which the real host judges by these words."""
    lowered = line.lower()
    if "warn" in lowered:
        return logging.WARNING
    if any(word in lowered for word in ("error", "fail", "severe", "unhandled exception")):
        return logging.ERROR
    return logging.INFO
