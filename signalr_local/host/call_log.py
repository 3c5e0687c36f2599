"""The log of calls: two lines each, which as records of logging would be much of what a call costs."""

import logging
import time
from typing import Any

__all__ = ["CallHandler", "log_call"]

_log = logging.getLogger("signalr_local.host")
_runtime = logging.getLogger("signalr_local")


class CallHandler(logging.Handler):
    """A handler of the runtime's log that takes what is said of a call without a record."""

    def take_call(self, level: int, text: str, category: str, event: dict[str, Any], created: float) -> None:
        """Take a line as a record with these attributes would be taken."""
        raise NotImplementedError


def log_call(level: int, text: str, category: str, event: dict[str, Any]) -> None:
    """Log a line about a call; a record of it has ``category`` and ``event``."""
    if not _runtime.propagate:
        # The console is installed: the runtime's logger has all handlers that there are.
        created = time.time()
        for handler in _runtime.handlers:
            if isinstance(handler, CallHandler):
                handler.take_call(level, text, category, event, created)
            elif level >= handler.level:
                handler.handle(_record(level, text, category, event))
    elif _log.isEnabledFor(level):
        _log.handle(_record(level, text, category, event))


def _record(level: int, text: str, category: str, event: dict[str, Any]) -> logging.LogRecord:
    more = {"category": category, "event": event}
    return _log.makeRecord(_log.name, level, __file__, 0, text, (), None, "log_call", more)
