"""One loading of the app: its settings, its worker and its functions."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from signalr_local.host.configuration import HOST_JSON, HostConfiguration
from signalr_local.host.cors import Cors
from signalr_local.host.expressions import METHOD_NAME
from signalr_local.host.failures import AppError, FunctionFailedError, NotStartedError
from signalr_local.host.functions import Function
from signalr_local.host.http import HttpFunctions
from signalr_local.host.invocation import Invoker
from signalr_local.host.launch import Launch
from signalr_local.host.notes import Notes
from signalr_local.host.options import HostOptions
from signalr_local.host.service import Service
from signalr_local.host.settings import LocalSettings, Settings
from signalr_local.host.stalls import OnSlow, watch_loop
from signalr_local.host.table import FunctionTable
from signalr_local.host.throttle import Throttle
from signalr_local.host.timers import Timers, timer_input
from signalr_local.host.trigger import Webhook
from signalr_local.host.usage import Usage
from signalr_local.host.whole_app import storage_remark
from signalr_local.host.worker import Worker
from signalr_local.trace_context import begin_trace, new_trace_id

__all__ = ["AppInstance"]

_LOG_DEBUG = "PYTHON_ENABLE_DEBUG_LOGGING"
_UNREAD = ("azuresignalrretry:", "azure:signalr:hubprotocol", "azuresignalrhttpclienttimeout")
_TRUE = ("1", "true", "t", "yes", "y")

_log = logging.getLogger("signalr_local.host")


class AppInstance:
    """Answer requests with one worker; a changed app gets another instance beside it."""

    def __init__(
        self,
        app: Path,
        worker: Worker,
        settings: Settings,
        local_settings: LocalSettings,
        configuration: HostConfiguration,
        options: HostOptions,
    ) -> None:
        self.app = app
        self.worker = worker
        worker.clock = options.clock
        self.settings = settings
        self.configuration = configuration
        self.local_values = {name: settings.get(name) or "" for name in local_settings.values}
        self.notes = Notes()
        self.usage = Usage()
        origins, credentials = options.cors_origins, options.cors_credentials
        self.cors = Cors(
            local_settings.cors_origins if origins is None else origins,
            local_settings.cors_credentials if credentials is None else credentials,
        )
        self.cors.check()
        allowed = options.functions or configuration.functions
        self.table = FunctionTable.build(worker.functions, configuration.route_prefix, settings, allowed)
        limits = configuration.max_concurrent, configuration.max_outstanding
        self.throttle = None if limits == (None, None) else Throttle(*limits)
        self.has_no_home = (settings.get("AzureWebJobsDisableHomepage") or "").lower() in ("1", "true")
        service = Service(settings, self.notes)
        self._invoker = Invoker(
            worker, service, configuration.function_timeout, self.notes, keep_values=options.keep_values
        )
        self.http = HttpFunctions(
            self.table, self._invoker, self.notes, self.usage, keep_values=options.keep_values
        )
        self.webhook = Webhook(
            self.table, service, self._invoker, self.notes, keep_values=options.keep_values
        )
        self._timers = Timers(self.table, self._invoker, self.usage, options.missed, options.clock)
        self._fired: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    async def load(cls, launch: Launch, options: HostOptions, on_slow: OnSlow) -> "AppInstance":
        """Wait for the worker of a launch; ``on_slow`` is told where an import takes long.

        Raise AppError for an app that cannot be imported or that Azure would not start.
        """
        worker = launch.worker
        await worker.loaded(on_slow)
        try:
            instance = cls(
                launch.app, worker, launch.settings, launch.local_settings, launch.configuration, options
            )
            if instance.table.fatal:
                raise AppError("\n".join(instance.table.fatal))
        except BaseException:
            await worker.stop()
            raise
        instance._watching = asyncio.create_task(watch_loop(worker))
        return instance

    def start_timers(self) -> None:
        """Run the timers, from now until ``stop``."""
        self._timers.start()

    def fire(self, function: Function, text: str) -> None:
        """Run a function by hand, in the background, with a text as what its trigger gives it."""
        task = asyncio.create_task(self._fire(function, text))
        self._fired.add(task)
        task.add_done_callback(self._fired.discard)

    async def _fire(self, function: Function, text: str) -> None:
        begin_trace(new_trace_id())
        name = function.name
        if name in self.table.errors and not self.table.runs_elsewhere(function):
            _log.error("The '%s' function was not run: it is in error.", name)
            return
        if function.is_http:
            _log.error("Functions.%s was not run: an HTTP function needs a request.", name)
            return
        schedule = self.table.schedules.get(name)
        trigger = {"type": "string", "value": text} if schedule is None else timer_input(schedule)
        data = {METHOD_NAME: name, str(function.trigger["name"]).lower(): text}
        with self.usage, suppress(FunctionFailedError, NotStartedError):
            await self._invoker.invoke(function, trigger, data)

    def remarks(self) -> Iterator[str]:
        """Yield what the developer should know of host.json and the settings."""
        for remark in self.configuration.remarks:
            yield f"{HOST_JSON}: {remark}."
        if self.table.left_out:
            kept = ", ".join(function.name for function in self.table.functions)
            yield (
                "A function allow list has been specified, excluding all but the following functions: "
                f"[{kept}]"
            )
        debug = self.settings.get(_LOG_DEBUG) or ""
        if self.configuration.shows_debug and debug.lower() not in _TRUE:
            yield (
                f"{HOST_JSON} asks for what functions log with level DEBUG, which the worker sends only "
                f"where the setting {_LOG_DEBUG} is 1, as in Azure. func start sets it."
            )
        unread = sorted(
            name for name in self.local_values if name.replace("__", ":").lower().startswith(_UNREAD)
        )
        if unread:
            yield f"Not used by the local runtime: {', '.join(unread)}."
        storage = storage_remark(self.settings)
        if storage is not None and any(function.is_signalr for function in self.table.functions):
            yield storage

    async def run(self, function: Function, text: str = "") -> None:
        """Run a function by hand, as ``fire``, and wait for its end."""
        await self._fire(function, text)

    async def stop(self, cause: str, grace: float) -> None:
        """Take no more requests and end the worker, after those that it has or after ``grace`` seconds.

        ``cause`` says why, to follow "the worker process ended".
        """
        await self._timers.stop()
        self.worker.retire(cause)
        try:
            async with asyncio.timeout(grace):
                await self.usage.idle()
        except TimeoutError:
            _log.warning("Functions still ran after %.2g seconds and were ended.", grace)
        await self.worker.stop()
        if self._watching is not None:
            await self._watching
