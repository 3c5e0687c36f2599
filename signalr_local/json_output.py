"""The events of a journal as JSON, one record a line, as they happen."""

from typing import TextIO

from signalr_local.host.console import lose
from signalr_local.inspector import records
from signalr_local.inspector.events import Event
from signalr_local.inspector.journal import Journal

__all__ = ["JsonOutput"]


class JsonOutput:
    """Write every event of a journal to a stream, until that cannot be written any more."""

    def __init__(self, stream: TextIO, journal: Journal) -> None:
        self._stream = stream
        self._journal = journal
        self.is_closed = False
        """Whether nothing is written any more."""
        journal.listen(self._write)

    def _write(self, event: Event) -> None:
        if self.is_closed:
            return
        try:
            self._stream.write(f"{records.line(event, self._journal.known())}\n")
            self._stream.flush()
        except OSError as error:
            self.is_closed = True
            lose(self._stream, error)
