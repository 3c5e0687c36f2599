"""A value that comes from elsewhere: fetched once for all who ask, renewed in time, kept in need."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from copy import copy
from typing import NamedTuple

__all__ = ["Cached"]

_LONGEST_PAUSE = 300.0
"""Seconds for which nothing is tried, whatever the one who failed asks for."""

_log = logging.getLogger("serverless_signalr")


class _Held[T](NamedTuple):
    value: T
    since: float


class Cached[T]:
    """One value, fetched when it is needed.

    For ``fresh`` seconds it is served as it is; then it is served while it is fetched again in the
    background; older than ``usable`` it is waited for. Where fetching fails, the next attempt is made after
    ``retry`` seconds, or after those that the error has as ``retry_after``, five minutes at most, and until
    then the old value serves on, if it is younger than ``lasting``, or the error does.

    All who wait in an event loop wait for one attempt, which goes on when they give up.
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
        """Return the value, or raise what fetching it raised."""
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
        """Fetch the value in the background, unless it is fresh, or younger than the seconds given."""
        limit = self._fresh if fresh is None else fresh
        is_fresh = self._held is not None and self._clock() - self._held.since < limit
        # One attempt is enough, in whichever loop it is.
        if not is_fresh and not any(loop.is_running() for loop in list(self._flights)):
            self._start()

    async def renew(self, refused: T) -> T:
        """Return another value than the one that somebody refused, fetched at once, if there is one.

        A value that turned out the same is not fetched again for ``retry`` seconds.
        """
        held = self._held
        if held is not None and held.value == refused and self._clock() >= self._renew_at:
            await self._attempt()
            if self._held is not None and self._held.value == refused:
                self._renew_at = self._clock() + self._retry
        return self._value()

    def put(self, value: T) -> None:
        """Replace the value by one that was learned elsewhere."""
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
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised to those who ask
            self._error = error
            asked = getattr(error, "retry_after", None) or 0.0
            pause = max(self._retry, min(asked, _LONGEST_PAUSE))
            self._attempt_at = self._clock() + pause
            kept = self._is_lasting()
            level = logging.WARNING if kept else logging.ERROR
            _log.log(level, "%s%s", error, "; what is known from before serves on" if kept else "")
        else:
            self._attempt_at = -math.inf
            self.put(value)

    def _value(self) -> T:
        if self._held is not None and (self._error is None or self._is_lasting()):
            return self._held.value
        if self._error is None:
            raise RuntimeError("the event loop ended before the value came")
        raise _anew(self._error) from self._error.__cause__

    def _is_lasting(self) -> bool:
        return self._held is not None and self._clock() - self._held.since < self._lasting


def _anew(error: Exception) -> Exception:
    """Return a copy: an exception that is raised again keeps the frames of all who raised it before."""
    try:
        return copy(error)
    except TypeError:  # Its class cannot be made from what it holds.
        return error
