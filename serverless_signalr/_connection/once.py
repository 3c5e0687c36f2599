"""Warnings about settings, which do not change and are read often: each is given once."""

import logging
from functools import cache

__all__ = ["warn_once"]

_log = logging.getLogger("serverless_signalr")


@cache
def warn_once(text: str) -> None:
    """Log a warning, unless the process has logged it before."""
    _log.warning("%s", text)
