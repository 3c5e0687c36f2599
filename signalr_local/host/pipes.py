"""The pipes between host and worker: frames one way, frames and lines the other."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, cast

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

    def shorten(self, transport: asyncio.SubprocessTransport) -> None:
        """Take what is read from the pipes without the turn of the event loop that asyncio puts between.

        It does so for both, so that frames and lines stay in the order in which they came.
        """
        for fd in (_STDOUT, _STDERR):
            pipe = cast("asyncio.ReadTransport", transport.get_pipe_transport(fd))
            pipe.set_protocol(_Direct(partial(self.pipe_data_received, fd), pipe.get_protocol()))

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


class _Direct(asyncio.Protocol):
    """One output of a worker; ``own`` is asyncio's protocol for it, which is told of its end."""

    def __init__(self, take: Callable[[bytes], None], own: asyncio.BaseProtocol) -> None:
        self._take = take
        self._own = own

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._own.connection_lost(exc)


class Outgoing:
    """The frames to a worker.

    The first frame of a turn of the event loop is written at once, the others together at the turn's end.
    Once the pipe is closed, frames are dropped.
    """

    def __init__(self, pipe: asyncio.WriteTransport) -> None:
        self._pipe = pipe
        self._frames: list[bytes] = []
        self._is_first = True

    def write(self, frame: bytes, *, is_alone: bool = False) -> None:
        """Write a frame now or soon; one that ``is_alone`` has no others to wait for."""
        if not self._is_first:
            self._frames.append(frame)
            return
        if not is_alone:
            self._is_first = False
            asyncio.get_running_loop().call_soon(self._flush)
        if not self._pipe.is_closing():
            self._pipe.write(frame)

    def close(self) -> None:
        """Close the pipe, which tells the worker to end."""
        self._pipe.close()

    def _flush(self) -> None:
        written, self._frames = self._frames, []
        self._is_first = True
        if written and not self._pipe.is_closing():
            self._pipe.write(b"".join(written))


def level_of(line: str) -> int:
    """Return the level of a line of standard error, which the real host judges by these words."""
    lowered = line.lower()
    if "warn" in lowered:
        return logging.WARNING
    if any(word in lowered for word in ("error", "fail", "severe", "unhandled exception")):
        return logging.ERROR
    return logging.INFO
