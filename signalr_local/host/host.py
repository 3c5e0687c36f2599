"""The host: its port, and the app behind it."""

from pathlib import Path

from aiohttp import web

from signalr_local.host import announcements
from signalr_local.host.console import LevelFilter
from signalr_local.host.dead_ends import DeadEnds
from signalr_local.host.failures import NotStartedError
from signalr_local.host.instance import Adjust, AppInstance
from signalr_local.host.options import HostOptions
from signalr_local.host.page import PageBuilder
from signalr_local.host.respond import respond
from signalr_local.host.server import LOOPBACK, HostServer
from signalr_local.host.supervisor import Supervisor, describe_error
from signalr_local.host.worker import OnSlow

__all__ = ["DEFAULT_PORT", "STOP_GRACE", "FunctionsHost", "describe_error"]

DEFAULT_PORT = 7071

STOP_GRACE = 1.5
"""Seconds that functions have to end when the host stops, so that it stops within three."""

_GRACE = 0.2
"""Seconds that answers have to go out once every function has ended; aiohttp waits its timeout twice."""


class FunctionsHost:
    """Serve one app's functions on one port."""

    def __init__(
        self,
        app: Path,
        *,
        adjust: Adjust = dict,
        levels: LevelFilter | None = None,
        options: HostOptions | None = None,
    ) -> None:
        self.app = app
        self.port = 0
        self._adjust = adjust
        self._options = options or HostOptions()
        self._levels = levels or LevelFilter()
        self._server = HostServer()
        self._supervisor: Supervisor | None = None
        self._dead_ends = DeadEnds()
        self._page = PageBuilder(app)

    @property
    def instance(self) -> AppInstance | None:
        """The loading of the app that answers requests, None while there is none."""
        return None if self._supervisor is None else self._supervisor.instance

    def bind(self, address: str | None = None, port: int = DEFAULT_PORT) -> None:
        """Take the port, a free one for 0; requests wait until ``start``. Raise OSError where it is taken.

        Without an address both loopback addresses are taken.
        """
        self._server.bind(LOOPBACK if address is None else (address,), port)
        self.port = self._server.port

    async def start(self) -> None:
        """Load the app and answer requests, until ``stop``.

        Raise ValueError for settings that cannot be read, AppError for an app that cannot be loaded.
        """
        if not self._server.is_bound:
            raise RuntimeError("bind comes before start")
        self._supervisor = Supervisor(self.app, self._load, self._announce)
        await self._supervisor.start()
        await self._server.serve(self._handle, _GRACE / 2, self._options.tls)
        self._page.start()

    @property
    def url(self) -> str:
        """Return the address that a developer opens."""
        return f"{'http' if self._options.tls is None else 'https'}://localhost:{self.port}"

    @property
    def plain_port(self) -> int:
        """Return the port that speaks plain HTTP: with TLS, another one than ``port``."""
        return self._server.plain_port

    async def reloaded(self) -> None:
        """Wait until the app is loaded the next time, or is found to be broken."""
        assert self._supervisor is not None  # noqa: S101 - nothing is loaded again before ``start``
        await self._supervisor.reloaded()

    async def stop(self, grace: float = STOP_GRACE) -> None:
        """Answer what runs, for ``grace`` seconds at most, and end the worker with all that it started."""
        try:
            await self._page.stop()
            await self._server.refuse()
            if self._supervisor is not None:
                await self._supervisor.stop(grace)
        finally:
            await self._server.stop()

    async def _load(self, on_slow: OnSlow) -> AppInstance:
        instance = await AppInstance.load(self.app, self.port, self._adjust, self._options, on_slow)
        self._levels.configure(instance.configuration.log_levels)
        return instance

    def _announce(self, instance: AppInstance, before: AppInstance | None, seconds: float) -> None:
        announcements.announce(instance, before, seconds, base=self.url)
        self._dead_ends.announce(self.app, instance)
        instance.start_timers()
        if self._options.on_loaded is not None:
            self._options.on_loaded(instance, before, seconds)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        assert self._supervisor is not None  # noqa: S101 - requests come after ``start``
        while True:
            instance = await self._supervisor.current()
            try:
                return await respond(
                    request,
                    instance,
                    self._supervisor.problem,
                    self.app,
                    self._dead_ends,
                    self._options.host_names,
                )
            except NotStartedError:
                # The worker ended before it began: the next one does it.
                continue
