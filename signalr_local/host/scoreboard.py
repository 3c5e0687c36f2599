"""What a worker notes in a file that the host has open too, and reads even after the worker's death."""

import os
import re
import tempfile
from pathlib import Path

from signalr_local.host.failures import Place
from signalr_local.worker.scoreboard import PLACES, SIZE, STARTED

__all__ = ["ScoreboardFile", "places_in"]

_MAX_PLACES = 1 << 20
_FRAME = re.compile(r'  File "(?P<file>[^"\n]+)", line (?P<line>\d+) in (?P<function>.+)')


class ScoreboardFile:
    """The host's side of a worker's scoreboard."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - ``close`` closes it
        self._file.truncate(SIZE)

    def fileno(self) -> int:
        """Return the file descriptor, for the worker to inherit."""
        return self._file.fileno()

    @property
    def started(self) -> int:
        """The number of invocations that have begun."""
        if self._file.closed:
            return 0
        return int(STARTED.unpack(os.pread(self.fileno(), STARTED.size, 0))[0])

    @property
    def places(self) -> str:
        """Where the worker's threads were, in Python's words; empty before Python has noted it."""
        if self._file.closed:
            return ""
        return os.pread(self.fileno(), _MAX_PLACES, PLACES).decode(errors="replace")

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def places_in(app: Path, text: str) -> list[Place]:
    """Return the app's lines that the main thread was in, the innermost first."""
    # Python notes the main thread last, where it notes several.
    main = text.rpartition("(most recent call first):")[2]
    return [
        Place(found["file"], int(found["line"]))
        for found in _FRAME.finditer(main)
        if Path(found["file"]).is_relative_to(app) and "site-packages" not in Path(found["file"]).parts
    ]
