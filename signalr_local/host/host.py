"""The host: its port, and the app behind it."""

import socket
from pathlib import Path

from aiohttp import hdrs, web

from signalr_local.host import announcements
from signalr_local.host.console import LevelFilter
from signalr_local.host.dead_ends import DeadEnds
from signalr_local.host.failures import NotStartedError
from signalr_local.host.http_log import http_log
from signalr_local.host.instance import Adjust, AppInstance
from signalr_local.host.respond import respond
from signalr_local.host.supervisor import Supervisor, describe_error
from signalr_local.host.worker import OnSlow

__all__ = ["DEFAULT_PORT", "FunctionsHost", "describe_error"]

DEFAULT_PORT = 7071

_MAX_BODY = 100 * 1024 * 1024
_MAX_LINE = 64 * 1024
"""A group name of 1,024 characters has up to 12 kB in a path."""

_GRACE = 0.2
"""Seconds that answers have to go out once every function has ended; aiohttp waits its timeout twice."""


class FunctionsHost:
    """Serve one app's functions on one port."""

    def __init__(self, app: Path, *, adjust: Adjust = dict, levels: LevelFilter | None = None) -> None:
        self.app = app
        self.port = 0
        self._adjust = adjust
        self._levels = levels or LevelFilter()
        self._runner: web.AppRunner | None = None
        self._supervisor: Supervisor | None = None
        self._socket: socket.socket | None = None
        self._dead_ends = DeadEnds()

    @property
    def instance(self) -> AppInstance | None:
        """The loading of the app that answers requests, None while there is none."""
        return None if self._supervisor is None else self._supervisor.instance

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
        self._supervisor = Supervisor(self.app, self._load, self._announce)
        await self._supervisor.start()
        application = web.Application(client_max_size=_MAX_BODY)
        application.router.add_route(hdrs.METH_ANY, "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=http_log,
            handle_signals=False,
            shutdown_timeout=_GRACE / 2,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def reloaded(self) -> None:
        """Wait until the app is loaded the next time, or is found to be broken."""
        assert self._supervisor is not None  # noqa: S101 - nothing is loaded again before ``start``
        await self._supervisor.reloaded()

    async def stop(self) -> None:
        """Answer what runs, for two seconds at most, and end the worker with all that it started."""
        try:
            if self._runner is not None:
                for site in list(self._runner.sites):
                    await site.stop()
            if self._supervisor is not None:
                await self._supervisor.stop()
        finally:
            if self._runner is not None:
                await self._runner.cleanup()
            if self._socket is not None:
                self._socket.close()

    async def _load(self, on_slow: OnSlow) -> AppInstance:
        instance = await AppInstance.load(self.app, self.port, self._adjust, on_slow)
        self._levels.configure(instance.configuration.log_levels)
        return instance

    def _announce(self, instance: AppInstance, before: AppInstance | None, seconds: float) -> None:
        announcements.announce(instance, before, seconds, base=f"http://localhost:{self.port}")
        self._dead_ends.announce(self.app, instance)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        assert self._supervisor is not None  # noqa: S101 - requests come after ``start``
        while True:
            instance = await self._supervisor.current()
            try:
                return await respond(request, instance, self._supervisor.problem, self.app, self._dead_ends)
            except NotStartedError:
                # The worker ended before it began: the next one does it.
                continue
