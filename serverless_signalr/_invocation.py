"""The invocation that log records belong to, carried into threads.

The worker drops the records of threads that it does not know, or logs them without an invocation. It looks
up the invocation of a record in this order: an attribute of the running task, the context variable of
``azure_functions_runtime`` (Python 3.13 and later), a thread-local variable. For an async function it sets
only the first, which threads do not inherit. Without a worker, nothing is carried.

Source: ``get_current_invocation_id`` in the dispatchers of azure_functions_worker and of its successor,
proxy_worker, https://github.com/Azure/azure-functions-python-worker.
"""

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["InvocationTask", "current_invocation", "running_as", "to_thread"]

_ATTRIBUTE = "__azure_function_invocation_id__"
_RUNTIMES = ("azure_functions_runtime", "azure_functions_runtime_v1")
_DISPATCHERS = ("azure_functions_worker.dispatcher", "proxy_worker.dispatcher")

_carried: ContextVar[str | None] = ContextVar("invocation", default=None)


class InvocationTask(asyncio.Task[Any]):
    """A task of an event loop other than the worker's, with the invocation that it was started for."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], **options: Any) -> None:
        super().__init__(coroutine, **options)
        context = options.get("context")
        setattr(self, _ATTRIBUTE, _carried.get() if context is None else context.get(_carried))


def current_invocation() -> str | None:
    """Return the id of the current invocation, or None outside of one."""
    task = _current_task()
    if task is not None and (found := getattr(task, _ATTRIBUTE, None)) is not None:
        return str(found)
    for variable in (*_variables(), _carried):
        if (found := variable.get()) is not None:
            return str(found)
    if task is None:
        # In the thread of an event loop, the thread-local value is that of the latest invocation.
        for local in _locals():
            if (found := getattr(local, "invocation_id", None)) is not None:
                return str(found)
    return None


@contextmanager
def running_as(invocation: str | None) -> Iterator[None]:
    """Assign log records to an invocation, in this context and, outside of a task, in this thread."""
    if invocation is None:
        yield
        return
    with ExitStack() as stack:
        for variable in (*_variables(), _carried):
            stack.callback(variable.reset, variable.set(invocation))
        if _current_task() is None:
            for local in _locals():
                stack.callback(setattr, local, "invocation_id", getattr(local, "invocation_id", None))
                local.invocation_id = invocation
        yield


async def to_thread[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in a thread, as ``asyncio.to_thread`` does, within the current invocation."""
    invocation = current_invocation()

    def run() -> T:
        with running_as(invocation):
            return function(*args, **kwargs)

    return await asyncio.to_thread(run)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _variables() -> list[ContextVar[Any]]:
    found = [getattr(sys.modules.get(name), "invocation_id_cv", None) for name in _RUNTIMES]
    return [variable for variable in found if isinstance(variable, ContextVar)]


def _locals() -> list[Any]:
    found = [getattr(sys.modules.get(name), "_invocation_id_local", None) for name in _DISPATCHERS]
    return [local for local in found if isinstance(local, threading.local)]
