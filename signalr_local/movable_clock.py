"""The clock of a test environment: it runs with the machine's, and jumps ahead when a test says so."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from signalr_local.clock import Clock

__all__ = ["MovableClock"]

_REPEATS = 3
"""How often something that repeats itself happens in one jump; more would not change its outcome."""

_LONGEST = 365 * 24 * 3600.0
"""Seconds that the loop is asked to wait at most."""


@dataclass(order=True)
class _Timer:
    when: float
    number: int
    callback: Callable[[], object] | None = field(compare=False)
    handle: asyncio.TimerHandle | None = field(compare=False, default=None)

    def cancel(self) -> None:
        self.callback = None
        if self.handle is not None:
            self.handle.cancel()


class MovableClock(Clock):
    """A clock that a test can move.

    What is due in between happens in its order, each at its time. Keep-alive repeats a few times in a jump,
    however long that is: for a client that is silent, or one that is there, nothing else follows.
    """

    longest_wait = float("inf")

    def __init__(self) -> None:
        self.ahead = 0.0
        self._timers: list[_Timer] = []
        self._numbers = itertools.count()
        self._woken: set[asyncio.Task[object]] = set()
        self._asleep = asyncio.Event()
        self._target: float | None = None
        self._repeats: dict[object, int] = {}

    def call_later(self, seconds: float, callback: Callable[[], object]) -> _Timer:
        """Call back after some seconds of this clock."""
        when = self.monotonic() + max(0.0, seconds)
        if self._target is not None:
            # In a jump: what repeats itself is put off to its end.
            key = getattr(callback, "__self__", None), getattr(callback, "__func__", None)
            if None not in key:
                self._repeats[key] = self._repeats.get(key, 0) + 1
                if self._repeats[key] > _REPEATS and when < self._target:
                    when = self._target
        timer = _Timer(when, next(self._numbers), callback)
        heapq.heappush(self._timers, timer)
        self._arm(timer)
        return timer

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for an event, but not for longer than some seconds of this clock."""
        task = asyncio.current_task()
        self._sleeps(task)
        due: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not due.done():
                due.set_result(None)
                if task is not None and not task.done():
                    self._woken.add(task)
                    self._asleep.clear()
                    task.add_done_callback(self._sleeps)

        timer = self.call_later(seconds, wake)
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((waiting, due), return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            waiting.cancel()
        return event.is_set()

    async def sleep(self, seconds: float) -> None:
        """Let some seconds of this clock pass."""
        due: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not due.done():
                due.set_result(None)

        timer = self.call_later(seconds, wake)
        try:
            await due
        finally:
            timer.cancel()

    async def advance(self, seconds: float, settled: Callable[[], Awaitable[None]]) -> None:
        """Jump ahead; after each thing that was due, what follows from it happens first."""
        if seconds < 0:
            raise ValueError(f"the clock cannot go back by {-seconds:g} seconds")
        if self._target is not None:
            raise RuntimeError("the clock is being moved already")
        self._target = target = self.monotonic() + seconds
        self._repeats.clear()
        try:
            while self._timers and self._timers[0].when <= target:
                timer = heapq.heappop(self._timers)
                callback, timer.callback = timer.callback, None
                if callback is None:
                    continue
                timer.cancel()
                self.ahead += max(0.0, timer.when - self.monotonic())
                callback()
                await self._until_asleep()
                await settled()
            self.ahead += max(0.0, target - self.monotonic())
        finally:
            self._target = None
            for timer in self._timers:
                if timer.callback is not None:
                    self._arm(timer)
        await settled()

    async def _until_asleep(self) -> None:
        """Wait until whoever was woken has done what it was to do."""
        while self._woken:
            await self._asleep.wait()

    def _sleeps(self, task: "asyncio.Task[object] | None") -> None:
        if task is not None:
            self._woken.discard(task)
        if not self._woken:
            self._asleep.set()

    def _arm(self, timer: _Timer) -> None:
        """Have the loop call back when the machine's clock gets there by itself."""
        if timer.handle is not None:
            timer.handle.cancel()
        delay = timer.when - self.monotonic()
        if delay < _LONGEST:
            timer.handle = asyncio.get_running_loop().call_later(delay, self._fire, timer)

    def _fire(self, timer: _Timer) -> None:
        callback, timer.callback = timer.callback, None
        # The heap keeps it until its turn, as something that was called off.
        if callback is not None:
            callback()
        while self._timers and self._timers[0].callback is None:
            heapq.heappop(self._timers)
