"""What the app logs and prints, on its way to the host with the invocation that it belongs to."""

import io
import logging
from collections.abc import Callable
from contextvars import ContextVar

from azure_functions_runtime import invocation_id_cv

__all__ = ["Printed", "capture_failure", "install", "last_failure"]

type Emit = Callable[[int, str, str | None], None]
"""Take a level of the logging module, a text and the id of the invocation, if any."""

# The worker library's own log, which Azure keeps apart from the app's.
_SYSTEM = ("azure.functions", "azure_functions_runtime", "azure_functions_worker")

_failure: ContextVar[BaseException | None] = ContextVar("failure", default=None)


def install(emit: Emit) -> None:
    """Send every record of the app to ``emit``, from the level INFO on unless the app asks for more."""
    root = logging.getLogger()
    root.addHandler(_Forwarder(emit))
    root.setLevel(logging.INFO)
    system = logging.getLogger("azure.functions")
    system.propagate = False
    system.addHandler(capture_failure())


def last_failure() -> BaseException | None:
    """Return the exception that failed the current task's invocation."""
    return _failure.get()


def capture_failure() -> logging.Handler:
    """Return a handler that keeps the exception which the worker library logs before it reports a text."""
    return _FailureKeeper()


class _FailureKeeper(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            _failure.set(record.exc_info[1])


class _Forwarder(logging.Handler):
    def __init__(self, emit: Emit) -> None:
        super().__init__()
        self._emit = emit
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_SYSTEM):
            return
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a record that cannot be formatted must not fail a function
            self.handleError(record)
            return
        self._emit(record.levelno, text, invocation_id_cv.get())


class Printed(io.TextIOBase):
    """Stand in for standard output: each line that is printed becomes a record of the log."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._line = ""

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Collect text and pass on each complete line."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._emit(logging.INFO, line, invocation_id_cv.get())
        return len(text)
