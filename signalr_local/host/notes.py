"""What is said once in the log, however often it happens."""

import logging

__all__ = ["Notes"]

_log = logging.getLogger("signalr_local.host")

_MAX_KEYS = 1000


class Notes:
    """Log each note once for one loading of the app."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, key: str, text: str, *arguments: object) -> None:
        """Log a warning unless one with this key was logged before."""
        if key in self._said or len(self._said) >= _MAX_KEYS:
            return
        self._said.add(key)
        _log.warning(text, *arguments)
