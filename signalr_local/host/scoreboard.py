"""What a worker notes in a file that the host has open too, and reads even after the worker's death."""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from signalr_local.host.failures import Place
from signalr_local.worker.scoreboard import PLACES, SIZE, STARTED

__all__ = ["FATAL", "ScoreboardFile", "blocking_place", "fatal_place", "places_in"]

FATAL = "Fatal Python error"
"""How Python begins to note the places of a crash."""

_MAX_PLACES = 1 << 20
_CURRENT = "Current thread"
_THREAD = "(most recent call first):"
_FRAME = re.compile(r'  File "(?P<file>[^"\n]+)", line (?P<line>\d+) in (?P<function>.+)')


class ScoreboardFile:
    """The host's side of a worker's scoreboard."""

    def __init__(self) -> None:
        # On Windows a process inherits no descriptors: the worker opens the file by its name.
        self._has_name = sys.platform == "win32"
        self._file = _open(keep_name=self._has_name)
        self._file.truncate(SIZE)

    @property
    def name(self) -> str:
        """What the worker is told: the number of the descriptor that it inherits, or the file's path."""
        return self._file.name if self._has_name else str(self._file.fileno())

    @property
    def inherited(self) -> tuple[int, ...]:
        """The descriptors that the worker inherits."""
        return () if self._has_name else (self._file.fileno(),)

    @property
    def started(self) -> int:
        """The number of invocations that have begun."""
        if self._file.closed:
            return 0
        return int(STARTED.unpack(self._read(STARTED.size, 0))[0])

    @property
    def places(self) -> str:
        """Where the worker's threads were, in Python's words; empty before Python has noted it."""
        if self._file.closed:
            return ""
        return self._read(_MAX_PLACES, PLACES).decode(errors="replace")

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
        if self._has_name:
            # Windows keeps a file that the worker still has open.
            with suppress(OSError):
                os.unlink(self._file.name)

    def _read(self, size: int, offset: int) -> bytes:
        if not self._has_name:
            # A descriptor that is inherited shares its place in the file, where the worker writes.
            return os.pread(self._file.fileno(), size, offset)
        self._file.seek(offset)
        return os.read(self._file.fileno(), size)


def _open(*, keep_name: bool) -> IO[bytes]:
    if sys.platform == "linux":
        # In memory: on a disk that is full, the worker would die when it first writes.
        return os.fdopen(os.memfd_create("scoreboard"), "w+b", 0)
    else:  # noqa: RET505 - mypy takes what follows for unreachable otherwise
        import tempfile

        file = tempfile.NamedTemporaryFile(delete=False)  # noqa: SIM115 - ``close`` closes it
        if not keep_name:
            os.unlink(file.name)
        return file


def places_in(app: Path, text: str) -> list[Place]:
    """Return the app's lines that the main thread was in, the innermost first."""
    # Python notes the main thread last, where it notes several.
    return _places(app, text.rpartition(_THREAD)[2])


def blocking_place(app: Path, text: str) -> Place | None:
    """Return the app's line that blocks the main thread; another thread may do so by keeping Python busy."""
    for thread in reversed(text.split(_THREAD)):
        if places := _places(app, thread):
            return places[0]
    return None


def fatal_place(app: Path, text: str) -> Place | None:
    """Return the app's line in which Python crashed, if it did and the app took part."""
    _, is_crash, crash = text.rpartition(FATAL)
    if not is_crash:
        return None
    thread, _, _ = crash.rpartition(_CURRENT)[2].partition("\n\n")
    places = _places(app, thread)
    return places[0] if places else None


def _places(app: Path, text: str) -> list[Place]:
    return [
        Place(found["file"], int(found["line"]))
        for found in _FRAME.finditer(text)
        if Path(found["file"]).is_relative_to(app) and "site-packages" not in Path(found["file"]).parts
    ]
