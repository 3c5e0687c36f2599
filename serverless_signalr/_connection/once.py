"""Warnings about settings, logged once since settings are read often and do not change."""

import logging
from functools import cache

__all__ = ["warn_once"]

_log = logging.getLogger("serverless_signalr")


@cache
def warn_once(text: str) -> None:
    """Log a warning unless this process has already logged it."""
    _log.warning("%s", text)
