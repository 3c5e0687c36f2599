"""Operations from functions that are not async: an event loop of the library's own runs them."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any

from serverless_signalr._invocation import InvocationTask, current_invocation, running_as

__all__ = ["run_sync"]


def run_sync[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run an operation from a sync function and return what it returns: ``run_sync(client.send_to_all(…))``.

    All such operations share one event loop, in a thread of its own, and thereby its pool of connections. It
    ends with the interpreter. What the operation logs belongs to the function's invocation. Raise
    RuntimeError where an event loop runs already: await the operation there.
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
        # Where the wait was interrupted, nobody wants the result any more.
        future.cancel()


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Background:
    """Run an event loop in a thread from its first use to the end of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop, which runs."""
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
    """Give a forked process a loop of its own: it has none of its parent's threads."""
    global _background
    _background = _Background()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
