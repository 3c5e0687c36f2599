"""What the app logs, on its way to the host with the invocation that it belongs to."""

import logging
from contextvars import ContextVar

from azure_functions_runtime import invocation_id_cv
from azure_functions_runtime.utils.app_setting_manager import is_envvar_true

from .output import Emit

__all__ = ["capture_failure", "install", "last_failure"]

_DEBUG = "PYTHON_ENABLE_DEBUG_LOGGING"

_DEBUG = "PYTHON_ENABLE_DEBUG_LOGGING"

# The worker library's own log, which Azure keeps apart from the app's.
_SYSTEM = ("azure.functions", "azure_functions_runtime", "azure_functions_worker")

_failure: ContextVar[BaseException | None] = ContextVar("failure", default=None)


def install(emit: Emit) -> None:
    """Send every record of the app to ``emit``.

    Records below INFO are left out unless the app asks for them, or the app setting
    PYTHON_ENABLE_DEBUG_LOGGING does, as in Azure.
    """
    root = logging.getLogger()
    root.addHandler(_Forwarder(emit))
    root.setLevel(logging.DEBUG if is_envvar_true(_DEBUG) else logging.INFO)
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
