"""The beginning of a loading of the app: its settings are read, and a worker starts with them."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from signalr_local.host.configuration import HostConfiguration
from signalr_local.host.environment import worker_environment
from signalr_local.host.functions import Function
from signalr_local.host.options import HostOptions
from signalr_local.host.settings import LocalSettings, Settings
from signalr_local.host.steps import OnStep, Step
from signalr_local.host.worker import Worker
from signalr_local.secrets import references, resolve_references

__all__ = ["Adjust", "Launch"]

_log = logging.getLogger("signalr_local.host")

type Adjust = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Take the values of local.settings.json and return those that the app shall see."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A worker that was started and has not listed the app's functions yet, and what it was started with."""

    app: Path
    worker: Worker
    settings: Settings
    local_settings: LocalSettings
    configuration: HostConfiguration

    @classmethod
    async def begin(cls, app: Path, port: int, adjust: Adjust, options: HostOptions) -> "Launch":
        """Read an app's settings and start its worker, which imports the app from now on.

        Raise ValueError for settings that cannot be read, AppError for a folder without an app.
        """
        with Step(options.on_step, "read_settings", "Read the settings") as step:
            local_settings = LocalSettings.read(app)
            # What the environment already says wins, in the worker as in the bindings.
            effective = local_settings.effective()
            step.message = f"{len(effective)} values"
        values = adjust(await _with_secrets(effective, options.on_step))
        settings = Settings({**os.environ, **values})
        configuration = HostConfiguration.read(app, settings)
        environment = worker_environment(values, app, port, options.debug_port)
        with Step(options.on_step, "start_worker", "Start the Python worker"):
            worker = await Worker.open(app, environment, _log_of_app, options.interpreter)
        return cls(app, worker, settings, local_settings, configuration)


async def _with_secrets(values: Mapping[str, str], on_step: OnStep | None) -> Mapping[str, str]:
    count = len(references(values))
    if not count:
        return values
    title = "Read secrets from Key Vault"
    with Step(on_step, "read_secrets", title, detail=f"{count} references", has_progress=True) as step:
        return await resolve_references(values, lambda name, done: step.advance(done, count, name))


def _log_of_app(level: int, text: str, function: Function | None, invocation: str | None) -> None:
    category = f"Function.{function.name}.User" if function else "Host.Function.Console"
    said_by = None if function is None else (function.name, invocation)
    _log.log(level, "%s", text, extra={"category": category, "said_by": said_by})
