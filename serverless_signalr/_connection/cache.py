"""A cached remote value: fetched once for all callers, renewed in time, kept while renewals fail."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from copy import copy
from typing import NamedTuple

__all__ = ["Cached"]

_LONGEST_PAUSE = 300.0
"""Longest pause in seconds after a failure, whatever ``retry_after`` says."""

_log = logging.getLogger("serverless_signalr")


class _Held[T](NamedTuple):
    value: T
    since: float


class Cached[T]:
    """A value that is fetched when it is needed.

    The age of the value, in seconds, decides what ``get`` does:

    - below ``fresh``, it returns the value;
    - below ``usable``, it returns the value and fetches a new one in the background;
    - otherwise, it waits for a new value.

    If a fetch fails, the next attempt is made after ``retry`` seconds, or after the error's ``retry_after``
    if that is longer, up to five minutes. Until then ``get`` returns the old value if it is younger than
    ``lasting``, and raises the error otherwise.

    All callers in an event loop share one attempt, which continues if they are cancelled.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[T]],
        *,
        fresh: float,
        usable: float,
        lasting: float = math.inf,
        retry: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._fresh = fresh
        self._usable = usable
        self._lasting = lasting
        self._retry = retry
        self._clock = clock
        self._held: _Held[T] | None = None
        self._error: Exception | None = None
        self._attempt_at = -math.inf
        self._renew_at = -math.inf
        self._flights: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}

    async def get(self) -> T:
        """Return the value, or raise the error of the last attempt to fetch it."""
        held = self._held
        if held is not None:
            age = self._clock() - held.since
            if age < self._fresh:
                return held.value
            if age < self._usable:
                self._start()
                return held.value
        await self._attempt()
        return self._value()

    def touch(self, fresh: float | None = None) -> None:
        """Fetch the value in the background unless it is younger than ``fresh`` seconds.

        ``fresh`` defaults to the cache's own.
        """
        limit = self._fresh if fresh is None else fresh
        is_fresh = self._held is not None and self._clock() - self._held.since < limit
        # One attempt is enough, whichever event loop runs it.
        if not is_fresh and not any(loop.is_running() for loop in list(self._flights)):
            self._start()

    async def renew(self, refused: T) -> T:
        """Fetch the value again if it is the one that was refused, and return it.

        If the fetched value is the same, it is not fetched again for ``retry`` seconds.
        """
        held = self._held
        if held is not None and held.value == refused and self._clock() >= self._renew_at:
            await self._attempt()
            if self._held is not None and self._held.value == refused:
                self._renew_at = self._clock() + self._retry
        return self._value()

    def put(self, value: T) -> None:
        """Replace the value with one obtained elsewhere."""
        self._held, self._error = _Held(value, self._clock()), None

    async def _attempt(self) -> None:
        flight = self._start()
        if flight is not None:
            await asyncio.shield(flight)

    def _start(self) -> "asyncio.Task[None] | None":
        loop = asyncio.get_running_loop()
        flight = self._flights.get(loop)
        if flight is not None and not flight.done():
            return flight
        if self._clock() < self._attempt_at:
            return None
        for ended in [other for other in list(self._flights) if other.is_closed()]:
            self._flights.pop(ended, None)
        flight = self._flights[loop] = loop.create_task(self._run())
        flight.add_done_callback(lambda _: self._flights.pop(loop, None))
        return flight

    async def _run(self) -> None:
        try:
            value = await self._fetch()
        except Exception as error:  # noqa: BLE001 - it is raised to the callers
            self._error = error
            asked = getattr(error, "retry_after", None) or 0.0
            pause = max(self._retry, min(asked, _LONGEST_PAUSE))
            self._attempt_at = self._clock() + pause
            kept = self._is_lasting()
            level = logging.WARNING if kept else logging.ERROR
            _log.log(level, "%s%s", error, "; the previous value stays in use" if kept else "")
        else:
            self._attempt_at = -math.inf
            self.put(value)

    def _value(self) -> T:
        if self._held is not None and (self._error is None or self._is_lasting()):
            return self._held.value
        if self._error is None:
            raise RuntimeError("the event loop ended before the value was fetched")
        raise _anew(self._error) from self._error.__cause__

    def _is_lasting(self) -> bool:
        return self._held is not None and self._clock() - self._held.since < self._lasting


def _anew(error: Exception) -> Exception:
    """Return a copy, because an exception that is raised again accumulates the frames of each raise."""
    try:
        return copy(error)
    except TypeError:  # Its class takes other arguments than those that copy passes.
        return error
