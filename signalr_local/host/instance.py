"""One loading of the app: its settings, its worker and its functions."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from signalr_local.host.configuration import HostConfiguration
from signalr_local.host.cors import Cors
from signalr_local.host.functions import Function, FunctionTable
from signalr_local.host.http import HttpFunctions
from signalr_local.host.invocation import Invoker
from signalr_local.host.notes import Notes
from signalr_local.host.service import Service
from signalr_local.host.settings import LocalSettings, Settings
from signalr_local.host.trigger import Webhook
from signalr_local.host.worker import OnSlow, Worker, worker_environment
from signalr_local.secrets import resolve_references

__all__ = ["Adjust", "AppInstance"]

_GRACE = 2.0
"""Seconds that requests have to end when the app is stopped."""

_log = logging.getLogger("signalr_local.host")

type Adjust = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Take the values of local.settings.json and return those that the app shall see."""


class AppInstance:
    """Answer requests with one worker; a changed app gets another instance beside it."""

    def __init__(
        self,
        worker: Worker,
        settings: Settings,
        local_settings: LocalSettings,
        configuration: HostConfiguration,
    ) -> None:
        self.worker = worker
        self.settings = settings
        self.configuration = configuration
        self.cors = Cors(local_settings.cors_origins, local_settings.cors_credentials)
        self.table = FunctionTable.build(worker.functions, configuration.route_prefix, settings)
        notes = Notes()
        service = Service(settings, notes)
        invoker = Invoker(worker, service, configuration.function_timeout, notes)
        self.http = HttpFunctions(self.table, invoker)
        self.webhook = Webhook(self.table, service, invoker, notes)
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    async def load(cls, app: Path, port: int, adjust: Adjust, on_slow: OnSlow | None = None) -> "AppInstance":
        """Read an app's settings and start its worker; ``on_slow`` is told where an import takes long.

        Raise ValueError for settings that cannot be read, AppError for an app that cannot be imported.
        """
        local_settings = LocalSettings.read(app)
        configuration = HostConfiguration.read(app)
        # What the environment already says wins, in the worker as in the bindings.
        values = adjust(await resolve_references(local_settings.effective()))
        settings = Settings({**os.environ, **values})
        worker = await Worker.start(app, worker_environment(values, app, port), _log_of_app, on_slow)
        try:
            return cls(worker, settings, local_settings, configuration)
        except BaseException:
            await worker.stop()
            raise

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """Keep the worker alive for the time of a request."""
        self._requests += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def stop(self, cause: str) -> None:
        """Take no more requests and end the worker, after those that it has or after two seconds.

        ``cause`` says why, to follow "the worker process ended".
        """
        self.worker.retire(cause)
        try:
            async with asyncio.timeout(_GRACE):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("Functions still ran after %.0f seconds and were ended.", _GRACE)
        await self.worker.stop()


def _log_of_app(level: int, text: str, function: Function | None) -> None:
    category = f"Function.{function.name}.User" if function else "Host.Function.Console"
    _log.log(level, "%s", text, extra={"category": category})
