"""The host: its port, the app behind it, and another worker whenever the app changes."""

import asyncio
import logging
import socket
import time
from contextlib import suppress
from pathlib import Path

from aiohttp import hdrs, web

from signalr_local.host import watcher
from signalr_local.host.console import LevelFilter
from signalr_local.host.instance import Adjust, AppInstance
from signalr_local.host.respond import respond
from signalr_local.host.worker import AppError

__all__ = ["DEFAULT_PORT", "FunctionsHost", "describe_error"]

DEFAULT_PORT = 7071

_MAX_BODY = 100 * 1024 * 1024
_MAX_LINE = 64 * 1024
"""A group name of 1,024 characters has up to 12 kB in a path."""

_GRACE = 2.0
"""Seconds that requests have to end when the host stops; aiohttp waits its timeout twice."""

_CRASH_PAUSE = 1.0
"""Seconds before an app that crashes at once is started again."""

_log = logging.getLogger("signalr_local.host")


class FunctionsHost:
    """Serve one app's functions on one port."""

    def __init__(self, app: Path, *, adjust: Adjust = dict, levels: LevelFilter | None = None) -> None:
        self.app = app
        self.port = 0
        self.error = ""
        self.instance: AppInstance | None = None
        self._adjust = adjust
        self._levels = levels or LevelFilter()
        self._runner: web.AppRunner | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._socket: socket.socket | None = None
        self._reloaded = asyncio.Event()

    def bind(self, address: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
        """Take the port, a free one for 0; requests wait until ``start``. Raise OSError where it is taken."""
        self._socket = socket.create_server((address, port), backlog=128)
        self.port = self._socket.getsockname()[1]

    async def start(self) -> None:
        """Load the app and answer requests, until ``stop``.

        Raise ValueError for settings that cannot be read, AppError for an app that cannot be loaded.
        """
        if self._socket is None:
            raise RuntimeError("bind comes before start")
        await self._load()
        application = web.Application(client_max_size=_MAX_BODY)
        application.router.add_route(hdrs.METH_ANY, "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_GRACE / 2,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()
        self._supervisor = asyncio.create_task(self._supervise())

    async def reloaded(self) -> None:
        """Wait until the app is loaded the next time, or was found to be broken."""
        await self._reloaded.wait()

    async def stop(self) -> None:
        """Answer what runs, for two seconds at most, and end the worker."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
        if self._runner is not None:
            await self._runner.cleanup()
        if self._socket is not None:
            self._socket.close()
        if self.instance is not None:
            self._retire(self.instance)
            self.instance = None
        await asyncio.gather(*self._ending)

    async def _load(self) -> None:
        instance = await AppInstance.load(self.app, self.port, self._adjust)
        self._levels.configure(instance.configuration.log_levels)
        self.instance, self.error = instance, ""
        for name, error in instance.table.errors.items():
            _log.error("The '%s' function is in error: %s", name, error)

    async def _reload(self) -> None:
        old, started = self.instance, time.perf_counter()
        try:
            await self._load()
        except (AppError, OSError, ValueError) as error:
            self.instance, self.error = None, describe_error(error)
            _log.error(
                "%s\nThe app is loaded again when one of its files changes; requests get 503 until then.",
                self.error,
            )
        else:
            assert self.instance is not None  # noqa: S101 - _load sets it
            _log.info(
                "The app is loaded again: %d functions, %d ms.",
                len(self.instance.table.functions),
                (time.perf_counter() - started) * 1000,
            )
        if old is not None:
            self._retire(old)
        self._reloaded.set()
        self._reloaded = asyncio.Event()

    def _retire(self, instance: AppInstance) -> None:
        task = asyncio.create_task(instance.stop())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _supervise(self) -> None:
        """Load the app again after a change of its files, and after the end of its worker."""
        changes = watcher.changes(self.app)
        change = asyncio.ensure_future(anext(changes))
        loaded = time.monotonic()
        try:
            while True:
                crash = asyncio.ensure_future(self.instance.worker.wait()) if self.instance else None
                waits = [task for task in (change, crash) if task is not None]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                if change.done():
                    names = ", ".join(str(path.relative_to(self.app)) for path in change.result())
                    _log.info("Changed: %s.", names)
                    change = asyncio.ensure_future(anext(changes))
                else:
                    _log.error("The worker process ended. Another one is started.")
                    if time.monotonic() - loaded < _CRASH_PAUSE:
                        await asyncio.sleep(_CRASH_PAUSE)
                if crash is not None:
                    crash.cancel()
                await self._reload()
                loaded = time.monotonic()
        finally:
            change.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await change
            await changes.aclose()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        while (instance := self.instance) is not None and not instance.worker.is_running:
            # Another worker is on its way.
            await self.reloaded()
        return await respond(request, instance, self.error)


def describe_error(error: Exception) -> str:
    """Return what a developer needs to see of an app that was not loaded: its own traceback, if any."""
    stack, message = getattr(error, "stack", "").rstrip(), str(error)
    # Python puts the place of a syntax error into the message, and above it into the traceback.
    if not stack or message.strip() in stack or message.startswith(stack.splitlines()[-1]):
        return stack or message
    return f"{stack}\n{message}"
