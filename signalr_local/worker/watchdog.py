"""A watch over the event loop of the worker, which a function may block for all others."""

import asyncio
from collections.abc import Callable

from .scoreboard import Scoreboard

__all__ = ["Watchdog"]

_BEATS = 5
"""How often the loop has to show up within the time that it may be blocked."""


class Watchdog:
    """Note on the scoreboard where the threads are when the loop has been blocked for some seconds.

    It watches while functions run, ``is_busy`` tells whether they do, and rests otherwise.
    """

    def __init__(self, scoreboard: Scoreboard, seconds: float, is_busy: Callable[[], bool]) -> None:
        self._scoreboard = scoreboard
        self._seconds = seconds
        self._is_busy = is_busy
        self._is_on = self._was_called = False

    def call(self) -> None:
        """Watch a function that is about to begin."""
        self._was_called = True
        if not self._is_on:
            self._is_on = True
            self._beat()

    def _beat(self) -> None:
        if not self._was_called and not self._is_busy():
            self._is_on = False
            self._scoreboard.unwatch()
            return
        self._was_called = False
        self._scoreboard.watch(self._seconds)
        asyncio.get_running_loop().call_later(self._seconds / _BEATS, self._beat)
