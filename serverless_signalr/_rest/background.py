"""Operations from sync functions, run by an event loop of the library."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any

from serverless_signalr._invocation import InvocationTask, current_invocation, running_as

__all__ = ["run_sync"]


def run_sync[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run an operation from a sync function and return its result: ``run_sync(client.send_to_all(…))``.

    All operations share one event loop, which runs in a thread of its own until the interpreter exits, and
    thereby one pool of sockets. Log records of the operation belong to the function's invocation. Raise
    RuntimeError if an event loop is already running in this thread: await the operation there.
    """
    if _has_running_loop():
        coroutine.close()
        raise RuntimeError("run_sync would block the event loop that runs here: await the operation instead")
    # The operation runs in a copy of this context.
    with running_as(current_invocation()):
        future = asyncio.run_coroutine_threadsafe(coroutine, _background.loop())
    try:
        return future.result()
    finally:
        # If the wait was interrupted, nobody needs the result.
        future.cancel()


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Background:
    """An event loop that runs in a thread from its first use to the end of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop, started if necessary."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.set_task_factory(_task)
                threading.Thread(
                    target=self._loop.run_forever, name="serverless_signalr", daemon=True
                ).start()
            return self._loop


def _task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> InvocationTask:
    return InvocationTask(coroutine, loop=loop, **options)


_background = _Background()


def _start_afresh() -> None:
    """Give a forked process its own loop, because threads do not survive a fork."""
    global _background
    _background = _Background()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
