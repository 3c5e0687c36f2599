"""The log of calls: two lines each, which make up much of what a call costs."""

import logging
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["log_call"]

_log = logging.getLogger("signalr_local.host")

# What records have and nobody shows here: to find it out takes longer than all the rest.
_BLANK = vars(logging.LogRecord(_log.name, logging.INFO, __file__, 0, "", None, None))


def log_call(level: int, text: str, arguments: tuple[object, ...], extra: Mapping[str, Any]) -> None:
    """Log as Logger.log does, without looking for the caller."""
    if _log.isEnabledFor(level):
        _log.handle(_Record(level, text, arguments, extra))


class _Record(logging.LogRecord):
    def __init__(
        self, level: int, text: str, arguments: tuple[object, ...], extra: Mapping[str, Any]
    ) -> None:
        now = time.time()
        own = vars(self)
        own.update(_BLANK)
        own.update(extra)
        own["levelno"] = level
        own["levelname"] = logging.getLevelName(level)
        own["msg"] = text
        own["args"] = arguments
        own["created"] = now
        own["msecs"] = float(int(now * 1000) % 1000)
