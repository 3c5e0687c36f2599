"""The log of calls: two lines each, which make up much of what a call costs."""

import logging
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["log_call"]

_log = logging.getLogger("signalr_local.host")

# What records have and nobody shows here: to find it out takes longer than all the rest.
_BLANK = vars(logging.LogRecord(_log.name, logging.INFO, __file__, 0, "", None, None))


def log_call(
    level: int, text: str, arguments: tuple[object, ...], category: str, event: Mapping[str, Any]
) -> None:
    """Log as Logger.log does, without looking for the caller; records get ``category`` and ``event``."""
    if _log.isEnabledFor(level):
        _log.handle(_Record(level, text, arguments, category, event))


class _Record(logging.LogRecord):
    def __init__(
        self, level: int, text: str, arguments: tuple[object, ...], category: str, event: Mapping[str, Any]
    ) -> None:
        now = time.time()
        own = vars(self)
        own.update(_BLANK)
        own["category"] = category
        own["event"] = event
        own["levelno"] = level
        own["levelname"] = logging.getLevelName(level)
        own["msg"] = text
        own["args"] = arguments
        own["created"] = now
        own["msecs"] = float(int(now * 1000) % 1000)
