"""The app under test behind a host: in the process of the test, or in a worker of its own."""

import asyncio
import contextvars
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from serverless_signalr._testing.functions import functions_of
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError
from serverless_signalr.protocol.names import DEFAULT_CONNECTION
from signalr_local.clock import Clock
from signalr_local.host.configuration import HostConfiguration
from signalr_local.host.dead_ends import DeadEnds
from signalr_local.host.failures import AppError
from signalr_local.host.functions import connection_setting, is_of_a_hub
from signalr_local.host.host import FunctionsHost
from signalr_local.host.instance import AppInstance
from signalr_local.host.options import HostOptions
from signalr_local.host.respond import respond
from signalr_local.host.server import HostServer
from signalr_local.host.settings import LocalSettings, Settings
from signalr_local.sockets import LOOPBACK
from signalr_local.testing.loading import load_app
from signalr_local.testing.worker import InProcessWorker

__all__ = ["Host", "InProcessHost", "WorkerHost"]

_GRACE = 2.0
"""Seconds that functions have to end when a test does."""

_log = logging.getLogger("signalr_local.testing")


class Host(Protocol):
    """What answers the requests of an environment."""

    @property
    def port(self) -> int:
        """The port."""
        ...

    @property
    def instance(self) -> AppInstance | None:
        """The loading of the app that answers, None while there is none."""
        ...

    def bind(self) -> None:
        """Take a free port."""

    async def start(self, connection_string: str) -> None:
        """Load the app, with the emulator as its service, and answer."""

    async def reload(self, connection_string: str) -> None:
        """Load the app again with another connection string."""

    async def stop(self) -> None:
        """Answer no more."""


class InProcessHost:
    """A host for an app object, or the app of a folder, whose functions run in this process."""

    def __init__(self, app: Any | None, folder: Path, settings: Mapping[str, str], clock: Clock) -> None:
        self.port = 0
        self.instance: AppInstance | None = None
        self.context = contextvars.copy_context()
        self.app = app
        """The app; that of a folder is imported when the host starts, with its settings around it."""
        self._folder = folder
        self._settings = settings
        self._options = HostOptions(clock=clock)
        self._server = HostServer()
        self._dead_ends = DeadEnds()
        self._environment: dict[str, str | None] = {}

    def bind(self) -> None:
        """Take a free port."""
        self._server.bind(LOOPBACK, 0)
        self.port = self._server.port

    async def start(self, connection_string: str) -> None:
        """Answer requests. Raise AppError for an app that Azure would not start."""
        self._load(connection_string)
        await self._server.serve(self._answer, 0.1, None)

    async def reload(self, connection_string: str) -> None:
        """Go on with other settings."""
        old = self.instance
        self._load(connection_string)
        if old is not None:
            await old.stop("because the app was loaded again", _GRACE)

    def _load(self, connection_string: str) -> None:
        values = {
            **self._settings,
            DEFAULT_CONNECTION: connection_string,
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "WEBSITE_HOSTNAME": f"localhost:{self.port}",
        }
        self._set(values)
        if self.app is None:
            self.app = load_app(self._folder)
        functions = functions_of(self.app)
        worker = InProcessWorker(functions, self.context, str(self._folder))
        names = {
            connection_setting(binding)
            for function in worker.functions
            for binding in function.bindings
            if is_of_a_hub(binding)
        }
        values |= dict.fromkeys(names, connection_string)
        self._set(values)
        if (upstream := getattr(self.app, "_upstream", None)) is not None:
            upstream.serve(functions.all)
        configuration = HostConfiguration.read(self._folder, Settings(values))
        instance = AppInstance(
            self._folder,
            worker,
            Settings({**os.environ, **values}),
            LocalSettings(values=dict(values)),
            configuration,
            self._options,
        )
        _check(instance)
        self.instance = instance
        instance.start_timers()

    async def stop(self) -> None:
        """Let functions that run end, for two seconds at most, and give the settings back."""
        try:
            await self._server.refuse()
            if self.instance is not None:
                await self.instance.stop("because the test ended", _GRACE)
        finally:
            await self._server.stop()
            for name, value in self._environment.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        return await respond(request, self.instance, None, self._folder, self._dead_ends, ())

    def _set(self, values: Mapping[str, str]) -> None:
        """Put the settings where an app looks for them: into the environment, as a worker has them."""
        self._environment = {name: os.environ.get(name) for name in values} | self._environment
        os.environ.update(values)


class WorkerHost:
    """A host for the app of a folder, whose functions run in a worker process, as in production."""

    def __init__(self, folder: Path, settings: Mapping[str, str], clock: Clock) -> None:
        self._settings = settings
        self._connection_string = ""
        self._host = FunctionsHost(folder, adjust=self._adjust, options=HostOptions(clock=clock))

    @property
    def port(self) -> int:
        """The port."""
        return self._host.port

    @property
    def instance(self) -> AppInstance | None:
        """The loading of the app that answers."""
        return self._host.instance

    def bind(self) -> None:
        """Take a free port."""
        self._host.bind(port=0)

    async def start(self, connection_string: str) -> None:
        """Start the worker. Raise AppError for an app that cannot be loaded."""
        self._connection_string = connection_string
        await self._host.start()
        assert self._host.instance is not None  # noqa: S101 - it has just been started
        _check(self._host.instance)

    async def stop(self) -> None:
        """End the worker."""
        await self._host.stop()

    async def reload(self, connection_string: str) -> None:
        """Start another worker with another connection string."""
        self._connection_string = connection_string
        await self.kill()

    async def kill(self) -> None:
        """End the worker process as a crash does, and wait until another one runs."""
        instance = self._host.instance
        if instance is not None:
            reloaded = asyncio.ensure_future(self._host.reloaded())
            await asyncio.sleep(0)
            instance.worker.kill("because the test killed it")
            await reloaded

    def _adjust(self, values: Mapping[str, str]) -> Mapping[str, str]:
        pointed = {name: self._connection_string for name, value in values.items() if _is_service(value)}
        return {**values, DEFAULT_CONNECTION: self._connection_string, **pointed, **self._settings}


def _check(instance: AppInstance) -> None:
    """Raise AppError for functions that no host would run: a test is not to pass without them."""
    wrong = list(instance.table.fatal)
    for function in instance.table.everything:
        error = instance.table.errors.get(function.name)
        if error is None:
            continue
        if any(instance.table.runs_elsewhere(replace(function, trigger=each)) for each in function.bindings):
            _log.warning("The '%s' function is not run here: %s", function.name, error)
        else:
            wrong.append(f"The '{function.name}' function is in error: {error}")
    if wrong:
        raise AppError("\n".join(wrong))


def _is_service(value: str) -> bool:
    try:
        Endpoint.parse(value)
    except ConnectionStringError:
        return False
    return True
