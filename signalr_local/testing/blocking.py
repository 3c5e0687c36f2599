"""The environment for tests that are not async: it runs in a thread, and every call waits for its end."""

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self

from signalr_local.testing.client import Client
from signalr_local.testing.environment import SignalRTest

__all__ = ["BlockingClient", "BlockingSignalRTest"]


class _Blocking:
    """Everything that an object has, its coroutine functions run to their end on a loop in another thread."""

    def __init__(self, inner: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._inner, name)
        if not callable(found) or isinstance(found, type):
            return found

        @functools.wraps(found)
        def call(*args: Any, **kwargs: Any) -> Any:
            args = tuple(arg._inner if isinstance(arg, _Blocking) else arg for arg in args)
            return self._wrapped(self._run(lambda: found(*args, **kwargs)))

        return call

    def __repr__(self) -> str:
        return f"<blocking {self._inner!r}>"

    def _wrapped(self, value: Any) -> Any:
        return BlockingClient(value, self._loop) if isinstance(value, Client) else value

    def _run(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            value = call()
            return await value if inspect.isawaitable(value) else value

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


class BlockingClient(_Blocking):
    """A Client whose methods wait: ``alice.invoke("echo", 1)``."""


class BlockingSignalRTest(_Blocking):
    """A SignalRTest for tests that are not async: ``with BlockingSignalRTest(app) as env:``.

    It has everything that SignalRTest has; ``env.connect`` returns a client of the same kind.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        """Take what SignalRTest takes."""
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="SignalRTest", daemon=True)
        self._thread.start()

        async def make() -> SignalRTest:
            return SignalRTest(app, **options)

        try:
            inner = asyncio.run_coroutine_threadsafe(make(), loop).result()
        except BaseException:
            self._end(loop)
            raise
        super().__init__(inner, loop)

    def __enter__(self) -> Self:
        try:
            self._run(self._inner.__aenter__)
        except BaseException:
            self._end(self._loop)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._run(self._inner.stop)
        finally:
            self._end(self._loop)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        async def finish() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await loop.shutdown_asyncgens()
            await loop.shutdown_default_executor()

        steps: Coroutine[Any, Any, None] = finish()
        asyncio.run_coroutine_threadsafe(steps, loop).result()
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()
