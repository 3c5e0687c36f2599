"""The supervisor: it keeps an app loaded, whatever happens to its files and to its worker."""

import asyncio
import logging
import math
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from signalr_local.host.failures import AppError, WorkerDiedError, describe_error
from signalr_local.host.stalls import OnSlow
from signalr_local.host.watcher import Watcher

if TYPE_CHECKING:
    from signalr_local.host.instance import AppInstance

__all__ = ["Supervisor"]

_GRACE = 2.0
"""Seconds that requests have to end when the app is loaded again."""

_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before a worker is started again, by how many have ended at once before it."""

_AT_ONCE = 1.0
"""Seconds that a worker must have lived for its end to be one of its own."""

_TRUSTED_DEATHS = 3
"""How many workers may be killed while they load before requests are answered instead of kept waiting."""

_FIRST_DEATHS = 5
"""How many may be killed before the first start is given up."""

_HEAD_START = 1.0
"""Seconds that the first load has before the files are watched, unless it is done earlier."""

_MOMENT = 0.1
"""Seconds in which the requests that waited for the first load are answered."""

_TRUSTED_CHANGES = 3
"""How many loads in a row a change may cut off: the next one has time to end, if changes never pause."""

_REPEATED, _SOON = 5, 0.6
"""How often the same files change during a load, or within these seconds of its end, before it is told.

The seconds are those in which changes are collected.
"""

_MAX_NAMES = 5

_log = logging.getLogger("signalr_local.host")

type Load = Callable[[OnSlow], Awaitable["AppInstance"]]
type OnLoaded = Callable[["AppInstance", "AppInstance | None", float], None]
"""Take an instance that was just loaded, the last one before it, and the seconds that it took."""


class _Outcome(Enum):
    LOADED = "loaded"
    BROKEN = "broken"
    DIED = "died"


class Supervisor:
    """A keeper of one app, which loads it again after changes of its files and after the end of its worker.

    ``instance`` is the loading of the app that answers requests, ``problem`` why there is none.
    """

    def __init__(self, watcher: Watcher, load: Load, on_loaded: OnLoaded) -> None:
        self.instance: AppInstance | None = None
        self.problem: Exception | None = None
        self.app = watcher.app
        self._load = load
        self._on_loaded = on_loaded
        self._last: AppInstance | None = None
        self._deaths = 0
        self._cut_off = 0
        self._seconds = 0.0
        self._last_paths: list[Path] = []
        self._load_ended = 0.0
        self._repeated = 0
        self._watcher = watcher
        self._changed = asyncio.Event()
        self._news = asyncio.Event()
        self._first: asyncio.Future[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Load the app, and keep it loaded until ``stop``.

        Raise ValueError for settings that cannot be read, AppError for an app that cannot be loaded. One that
        takes long, or whose worker is killed from outside, is neither: it is loaded again.
        """
        self._first = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._run())]
        await self._first

    async def current(self) -> "AppInstance | None":
        """Return the instance that takes requests, None where the app is broken; wait for one on its way."""
        while self.instance is not None and not self.instance.worker.is_running:
            await self.reloaded()
        return self.instance

    async def reloaded(self) -> None:
        """Wait until the app is loaded the next time, or is found to be broken."""
        await self._news.wait()

    async def stop(self, grace: float) -> None:
        """Answer what runs, for ``grace`` seconds at most, and end the worker."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.instance is not None:
            self._retire(self.instance, "because the local runtime was stopped", grace)
        self._tell(None, AppError("the local runtime stops"))
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _watch(self) -> None:
        assert self._first is not None  # noqa: S101 - ``start`` makes it
        # What watches takes a while to import: the first requests come first. No change is missed meanwhile.
        await asyncio.wait([self._first], timeout=_HEAD_START)
        await asyncio.sleep(_MOMENT)
        while True:
            try:
                async with aclosing(self._watcher.changes()) as changes:
                    async for paths in changes:
                        _log.info("Changed: %s.", self._names(paths))
                        self._note_repeated(paths)
                        self._changed.set()
            except Exception:  # noqa: BLE001 - the app is to be loaded again whatever happens
                _log.exception("The app's files could not be watched; another attempt follows.")
            await asyncio.sleep(1.0)

    def _names(self, paths: list[Path]) -> str:
        names = [str(path.relative_to(self.app)) for path in paths]
        more = len(names) - _MAX_NAMES
        return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")

    def _note_repeated(self, paths: list[Path]) -> None:
        is_same = paths == self._last_paths and time.monotonic() < self._load_ended + _SOON
        self._repeated = self._repeated + 1 if is_same else 0
        self._last_paths = paths
        if self._repeated == _REPEATED:
            _log.warning(
                "%s changes again and again. If the app writes it while it is imported, the app is loaded "
                "again each time: write it to another place, such as a folder whose name begins with a dot.",
                self._names(paths),
            )

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            is_due = self._cut_off >= _TRUSTED_CHANGES
            outcome = await self._unless_changed(self._reload(), 1.0 + 2 * self._seconds if is_due else 0.0)
            self._cut_off = 0 if is_due or outcome is not None else self._cut_off + 1
            if outcome is _Outcome.LOADED:
                await self._unless_changed(self._until_it_ends())
            elif outcome is _Outcome.BROKEN:
                await self._changed.wait()
            await self._unless_changed(asyncio.sleep(self._pause))
            if self._changed.is_set():
                self._deaths = 0

    async def _until_it_ends(self) -> None:
        assert self.instance is not None  # noqa: S101 - it was just loaded
        worker, began = self.instance.worker, time.monotonic()
        await worker.wait()
        _log.error("The worker process ended %s. Another one is started.", worker.cause)
        # One that ends soon, and did no good before, is likely to do so again.
        is_at_once = time.monotonic() < began + _AT_ONCE and not worker.has_answered
        self._deaths = self._deaths + 1 if is_at_once else 0

    @property
    def _pause(self) -> float:
        return _PAUSES[min(self._deaths, len(_PAUSES) - 1)]

    async def _unless_changed[T](self, work: Coroutine[None, None, T], at_least: float = 0.0) -> T | None:
        """Return what becomes of some work, None if the app changes before: then it is of no use any more.

        It has the seconds of ``at_least`` in any case.
        """
        doing = asyncio.ensure_future(work)
        change = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait([doing], timeout=at_least)
            await asyncio.wait([doing, change], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (doing, change):
                task.cancel()
            await asyncio.wait([doing, change])
        return None if doing.cancelled() else doing.result()

    async def _reload(self) -> _Outcome:
        started = time.perf_counter()
        self._load_ended = math.inf
        try:
            instance = await self._load(self._note_slow)
            # How often its worker has died at once is counted on: it may do so again.
            self._take(instance, time.perf_counter() - started)
        except WorkerDiedError as error:
            self._deaths += 1
            self._note_death(error)
            return _Outcome.DIED
        except (AppError, OSError, ValueError) as error:
            self._note_broken(error)
        except Exception as error:  # noqa: BLE001 - the runtime's own fault; the next edit may avoid it
            _log.exception("The app could not be loaded.")
            self._note_broken(error)
        else:
            return _Outcome.LOADED
        finally:
            self._load_ended = time.monotonic()
        self._deaths = 0
        return _Outcome.BROKEN

    def _take(self, instance: "AppInstance", seconds: float) -> None:
        old, last, self._last = self.instance, self._last, instance
        self._seconds = seconds
        self._tell(instance, None)
        if old is not None:
            self._retire(old, "because the app was loaded again")
        self._on_loaded(instance, last, seconds)
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    def _note_broken(self, error: Exception) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_exception(error)
            return
        _log.error(
            "%s\nThe app is loaded again when one of its files changes; requests get 503 until then.",
            describe_error(error),
        )
        self._drop(error)

    def _note_death(self, error: WorkerDiedError) -> None:
        is_first = self._first is not None and not self._first.done()
        if is_first and (self._deaths >= _FIRST_DEATHS or not error.was_killed):
            self._note_broken(error)
            return
        waits = is_first or (
            error.was_killed and self._deaths < _TRUSTED_DEATHS and self.instance is not None
        )
        _log.error(
            "%s\nAnother attempt follows %s%s",
            describe_error(error),
            f"in {self._pause:g} s" if self._pause else "at once",
            "." if waits else "; requests get 503 until then.",
        )
        if not waits:
            self._drop(error)

    def _note_slow(self, place: str) -> None:
        place = place.removeprefix(f"{self.app}{os.sep}")
        text = f"The app is still being imported after some seconds: it is at {place}"
        instance = self.instance
        if instance is not None and instance.worker.is_running:
            outcome = "Until it ends, or is edited, the app answers as it was before."
        elif self._first is not None and not self._first.done():
            outcome = "Requests wait until it ends, or is edited."
        else:
            outcome = "Requests get 503 until it ends, or is edited."
            self._drop(AppError(text))
        _log.warning("%s. %s", text, outcome)

    def _drop(self, problem: Exception) -> None:
        """Answer requests with a problem, since there is no app that could."""
        old = self.instance
        self._tell(None, problem)
        if old is not None:
            self._retire(old, "because the app was loaded again")

    def _tell(self, instance: "AppInstance | None", problem: Exception | None) -> None:
        self.instance, self.problem = instance, problem
        self._news.set()
        self._news = asyncio.Event()

    def _retire(self, instance: "AppInstance", cause: str, grace: float | None = None) -> None:
        task = asyncio.create_task(instance.stop(cause, _GRACE if grace is None else grace))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
