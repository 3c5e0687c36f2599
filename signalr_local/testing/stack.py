"""What runs while an environment is open: the emulator, and the app behind a host."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serverless_signalr._testing.functions import functions_of
from signalr_local.emulator import Emulator, UpstreamRule
from signalr_local.host import trigger
from signalr_local.host.instance import AppInstance
from signalr_local.movable_clock import MovableClock
from signalr_local.testing.apps import Host, InProcessHost, WorkerHost

__all__ = ["NOT_RUNNING", "Stack"]

NOT_RUNNING = "the environment is not running: async with SignalRTest(app) as env"


class Stack:
    """Emulator and host on free ports, each the other's neighbour."""

    def __init__(
        self,
        app: Any,
        emulator: Emulator,
        clock: MovableClock,
        *,
        settings: Mapping[str, str],
        upstream: str | None,
        is_worker: bool,
    ) -> None:
        """Take an app, or the folder of one; a worker needs a folder, else TypeError is raised."""
        if is_worker and not isinstance(app, str | Path):
            raise TypeError(
                "worker=True runs the app of a folder: pass the folder of its function_app.py, not the app"
            )
        self.emulator = emulator
        self.emulator_port = 0
        self.is_worker = is_worker
        is_folder = isinstance(app, str | Path)
        self._app = None if is_folder else app
        self._folder = Path(app).resolve() if is_folder else Path.cwd()
        self._clock = clock
        self._settings = settings
        self._upstream = upstream
        self._host: Host | None = None

    async def start(self) -> None:
        """Start both. Raise AppError for an app that Azure would not start."""
        host = self._host = self._new_host()
        host.bind()
        await self.emulator.start(port=0)
        self.emulator_port = self.emulator.port
        await host.start(self.emulator.connection_string)
        self.emulator.upstream = [UpstreamRule(f"http://127.0.0.1:{host.port}{self._upstream_path()}")]

    async def stop(self) -> None:
        """End both."""
        await self.emulator.stop()
        if self._host is not None:
            await self._host.stop()

    @property
    def host(self) -> Host:
        """Return the host. Raise RuntimeError before ``start``."""
        if self._host is None:
            raise RuntimeError(NOT_RUNNING)
        return self._host

    @property
    def instance(self) -> AppInstance | None:
        """Return the loading of the app that answers, None while there is none."""
        return None if self._host is None else self._host.instance

    @property
    def prefix(self) -> str:
        """Return the prefix of routes, as host.json has it."""
        return "api" if self.instance is None else self.instance.configuration.route_prefix

    def path(self, route: str) -> str:
        """Return the path of a route."""
        return f"/{self.prefix}/{route.lstrip('/')}".replace("//", "/")

    @property
    def only_hub(self) -> str:
        """Return the hub of the app. Raise LookupError where it has several."""
        names = {hub for hub, _, _ in self.instance.table.events} if self.instance is not None else set()
        if not names and (found := self._http_upstream()) is not None:
            names = {found[1]}
        if len(names) != 1:
            raise LookupError(f"choose a hub, hub=…, of {', '.join(sorted(names)) or 'those of the app'}")
        return names.pop()

    async def run(self, name: str) -> None:
        """Run a function that needs no request, and wait for its end. Raise LookupError if there is none."""
        instance = self.instance
        function = instance.table.find(name) if instance is not None else None
        if instance is None or function is None:
            known = ", ".join(one.name for one in instance.table.everything) if instance else "none"
            raise LookupError(f"there is no function {name}; there are {known}")
        await instance.run(function)

    async def reload(self) -> None:
        """Load the app again, with the emulator's connection string of this moment."""
        await self.host.reload(self.emulator.connection_string)

    async def kill_worker(self) -> None:
        """End the worker process as a crash does, and wait for the next one."""
        if not isinstance(self._host, WorkerHost):
            raise TypeError("the app runs in the process of the test: use SignalRTest(folder, worker=True)")
        await self._host.kill()

    def _new_host(self) -> Host:
        if self.is_worker:
            return WorkerHost(self._folder, self._settings, self._clock)
        return InProcessHost(self._app, self._folder, self._settings, self._clock)

    def _upstream_path(self) -> str:
        if self._upstream is not None:
            return self._upstream
        found = self._http_upstream()
        if found is None:
            return trigger.PATH
        trigger_binding: Any = found[0].get_trigger()
        return self.path(trigger_binding.route)

    def _http_upstream(self) -> Any:
        """Return the HTTP function that takes the events of a hub, and the hub, if the app has one."""
        return functions_of(self._host.app).upstream if isinstance(self._host, InProcessHost) else None
