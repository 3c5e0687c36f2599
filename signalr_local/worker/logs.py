"""What the app logs, on its way to the host with the invocation that it belongs to."""

import logging
import sys
from contextvars import ContextVar
from typing import Any

from azure_functions_runtime import invocation_id_cv, native_invocation
from azure_functions_runtime.utils.app_setting_manager import is_envvar_true

from .output import Emit

__all__ = ["install", "last_failure", "lost"]

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
    system.addHandler(logging.NullHandler())
    native_invocation.logger = _FailureKeeper(native_invocation.logger)


def lost() -> str:
    """Return what to tell of an app whose own set-up of logging cut it off; empty for any other."""
    if logging.root.manager.disable >= logging.ERROR:
        return "The app has turned logging off (logging.disable): what it logs is not shown."
    if any(isinstance(handler, _Forwarder) for handler in logging.getLogger().handlers):
        return ""
    return (
        "The app's set-up of logging removed the root logger's handler, which takes records to the host, "
        "here and in Azure: they are lost, or belong to no function. Add handlers, and leave that one: no "
        "basicConfig(force=True), no root in dictConfig or fileConfig."
    )


def last_failure() -> BaseException | None:
    """Return the exception that failed the current task's invocation."""
    return _failure.get()


class _FailureKeeper:
    """Stand in for the worker library's logger, and keep the exception of which it then reports a text.

    A handler would not do: the app may turn logging off.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def exception(self, *_: object, **__: object) -> None:
        """Keep the exception that is being handled."""
        _failure.set(sys.exception())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logger, name)


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
