"""The host: its port, and the app behind it."""

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from signalr_local.host.console import LevelFilter
from signalr_local.host.launch import Adjust, Launch
from signalr_local.host.options import HostOptions
from signalr_local.host.stalls import OnSlow
from signalr_local.host.steps import COMPLETED
from signalr_local.host.supervisor import Supervisor
from signalr_local.host.watcher import Watcher
from signalr_local.sockets import LOOPBACK, listen

if TYPE_CHECKING:
    from signalr_local.host.instance import AppInstance
    from signalr_local.host.site import Site

__all__ = ["DEFAULT_PORT", "STOP_GRACE", "FunctionsHost"]

DEFAULT_PORT = 7071

STOP_GRACE = 1.5
"""Seconds that functions have to end when the host stops, so that it stops within three."""


class FunctionsHost:
    """Serve one app's functions on one port.

    What answers requests takes as long to import as many an app: it is imported when the worker has begun to
    import the app, at the same time.
    """

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
        self._sockets: list[socket.socket] = []
        self._watcher: Watcher | None = None
        self._launch: Launch | None = None
        self._supervisor: Supervisor | None = None
        self._site: Site | None = None

    @property
    def instance(self) -> "AppInstance | None":
        """The loading of the app that answers requests, None while there is none."""
        return None if self._supervisor is None else self._supervisor.instance

    @property
    def url(self) -> str:
        """Return the address that a developer opens."""
        return f"{'http' if self._options.tls is None else 'https'}://localhost:{self.port}"

    @property
    def plain_port(self) -> int:
        """Return the port that speaks plain HTTP: with TLS, another one than ``port``."""
        return self.port if self._site is None else self._site.plain_port

    def bind(self, address: str | None = None, port: int = DEFAULT_PORT) -> None:
        """Take the port, a free one for 0; requests wait until ``start``. Raise OSError where it is taken.

        Without an address both loopback addresses are taken.
        """
        self._sockets = listen(LOOPBACK if address is None else (address,), port)
        self.port = self._sockets[0].getsockname()[1]

    async def begin(self) -> None:
        """Have a worker import the app while this process does something else, before ``start``.

        Raise ValueError for settings that cannot be read, AppError for a folder without an app.
        """
        if not self._sockets:
            raise RuntimeError("bind comes before start")
        # It has seen the files before the worker reads them: no change is missed.
        self._watcher = Watcher(self.app)
        self._launch = await self._begin()

    async def start(self) -> None:
        """Load the app and answer requests, until ``stop``.

        Raise ValueError for settings that cannot be read, AppError for an app that cannot be loaded.
        """
        if self._launch is None:
            await self.begin()
        if self._options.on_step is not None:
            self._options.on_step(COMPLETED, {})
        from signalr_local.host.site import Site

        assert self._watcher is not None  # noqa: S101 - ``begin`` made it
        self._supervisor = Supervisor(self._watcher, self._load, self._loaded)
        self._site = Site(self._supervisor, self._options, self.url)
        await self._supervisor.start()
        await self._site.start(self._sockets)

    async def reloaded(self) -> None:
        """Wait until the app is loaded the next time, or is found to be broken."""
        assert self._supervisor is not None  # noqa: S101 - nothing is loaded again before ``start``
        await self._supervisor.reloaded()

    async def stop(self, grace: float = STOP_GRACE) -> None:
        """Answer what runs, for ``grace`` seconds at most, and end the worker with all that it started."""
        try:
            if self._site is not None:
                await self._site.refuse()
            if self._supervisor is not None:
                await self._supervisor.stop(grace)
            if self._launch is not None:
                await self._launch.worker.stop()
        finally:
            if self._site is not None:
                await self._site.stop()
            for one in self._sockets:
                one.close()

    async def _begin(self) -> Launch:
        return await Launch.begin(self.app, self.port, self._adjust, self._options)

    async def _load(self, on_slow: OnSlow) -> "AppInstance":
        from signalr_local.host.instance import AppInstance

        launch, self._launch = self._launch, None
        instance = await AppInstance.load(launch or await self._begin(), self._options, on_slow)
        self._levels.configure(instance.configuration.log_levels)
        return instance

    def _loaded(self, instance: "AppInstance", before: "AppInstance | None", seconds: float) -> None:
        assert self._site is not None  # noqa: S101 - ``start`` makes it before anything is loaded
        self._site.announce(instance, before, seconds)
        instance.start_timers()
        if self._options.on_loaded is not None:
            self._options.on_loaded(instance, before, seconds)
