"""Stalls of a worker: an import that takes long, and a function that blocks the event loop."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signalr_local.host.processes import is_stopped
from signalr_local.host.scoreboard import FATAL, ScoreboardFile, blocking_place, places_in

if TYPE_CHECKING:
    from signalr_local.host.worker import Worker

__all__ = ["OnSlow", "watch_import", "watch_loop"]

_STEP = 0.5
"""Seconds between two looks at what the worker has noted."""

_ELSEWHERE = "a place outside of the app's own files"

_log = logging.getLogger("signalr_local.host")

type OnSlow = Callable[[str], None]
"""Take the place in the app's code where its import has been for some seconds."""


async def watch_import(
    app: Path, scoreboard: ScoreboardFile, indexed: asyncio.Future[Any], patience: float, on_slow: OnSlow
) -> None:
    """Call ``on_slow``, once, if the app is not imported within ``patience`` seconds."""
    began = time.monotonic()
    await asyncio.wait([indexed], timeout=patience)
    # Python in the worker began to count a little later.
    while not indexed.done():
        places = places_in(app, scoreboard.places)
        if places:
            on_slow(f"{places[0].file}, line {places[0].line}")
            return
        if time.monotonic() > began + 3 * patience:
            on_slow(_ELSEWHERE)
            return
        await asyncio.wait([indexed], timeout=0.1)


async def watch_loop(worker: "Worker") -> None:
    """Log what keeps functions waiting, once each time, until the worker ends.

    That is a function that blocks the event loop, or somebody who has stopped the process.
    """
    seen = worker.scoreboard.places
    was_stopped = False
    while worker.is_running:
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.wait(), _STEP)
        stopped = worker.is_busy and is_stopped(worker.pid)
        if stopped and not was_stopped:
            _log.warning(
                "The worker process is stopped (SIGSTOP): functions wait until it goes on. To let it: "
                "kill -CONT %d. An edit of the app starts another one.",
                worker.pid,
            )
        was_stopped = stopped
        places = worker.scoreboard.places
        news = places.removeprefix(seen)
        # A crash is noted in the same file, a moment before the end of the process is seen.
        if news and worker.is_busy and not news.startswith(FATAL):
            place = blocking_place(worker.app, news)
            where = _ELSEWHERE if place is None else f"{place.file}, line {place.line}"
            _log.warning(
                "A function has blocked the event loop of the worker for some seconds: it is at %s. No other "
                "async function runs meanwhile. In an async function, await what takes long (asyncio.sleep, "
                "an async client), or define the function without async: then it runs in a thread.",
                where.removeprefix(f"{worker.app}{os.sep}"),
            )
        seen = places
