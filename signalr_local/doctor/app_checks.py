"""The app itself: does it load, would the host in Azure take its functions, is its host.json complete?"""

import asyncio
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from signalr_local.doctor.findings import Finding, fine, warning, wrong
from signalr_local.host.configuration import HOST_JSON, HostConfiguration
from signalr_local.host.functions import Function, FunctionTable
from signalr_local.host.worker import AppError, Worker, worker_environment

__all__ = ["app_error", "check_functions", "check_host_json", "load_functions", "route_prefix"]

_PATIENCE = 60.0
"""Seconds that an app may take to load: far more than a slow machine needs."""

_SECRET = 16
"""Characters from which on the value of a setting is not repeated."""

_KEY = re.compile(r"AccessKey=[^;\s]+", re.IGNORECASE)
_BUNDLE = "Microsoft.Azure.Functions.ExtensionBundle"
_BUNDLE_FIX = f'add "extensionBundle": {{"id": "{_BUNDLE}", "version": "[4.*, 5.0.0)"}}'


def check_host_json(app: Path) -> Iterator[Finding]:
    """Look at what the SignalR bindings need of host.json."""
    try:
        content: Any = json.loads((app / HOST_JSON).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        yield wrong(HOST_JSON, "there is none", "make one: version 2.0 and the extension bundle")
        return
    except ValueError as error:
        yield wrong(HOST_JSON, f"it is not valid JSON: {error}", "correct it")
        return
    bundle = content.get("extensionBundle") if isinstance(content, dict) else None
    if not isinstance(bundle, dict) or not str(bundle.get("id", "")).startswith(_BUNDLE):
        yield wrong(HOST_JSON, "it names no extension bundle", _BUNDLE_FIX)
    elif not re.match(r"\[4\b", str(bundle.get("version", ""))):
        yield wrong(HOST_JSON, f"the extension bundle is {bundle.get('version')}", _BUNDLE_FIX)
    else:
        yield fine(HOST_JSON, f"extension bundle {bundle['version']}")


async def load_functions(app: Path, values: Mapping[str, str]) -> list[Function]:
    """Index the app in a worker of its own. Raise AppError where it cannot be loaded."""
    try:
        async with asyncio.timeout(_PATIENCE):
            worker = await Worker.start(app, worker_environment(values, app, 7071), _ignore)
    except TimeoutError:
        raise AppError(f"it was not loaded within {_PATIENCE:.0f} seconds") from None
    try:
        return worker.functions
    finally:
        await worker.stop()


def route_prefix(app: Path) -> str:
    """Return what the routes of HTTP functions begin with, by a host.json that can be read."""
    try:
        return HostConfiguration.read(app).route_prefix
    except ValueError:
        return HostConfiguration().route_prefix


def check_functions(table: FunctionTable, known: Collection[str] = ()) -> Iterator[Finding]:
    """Look for names, routes and events that the host in Azure refuses, beside what is known already."""
    errors = {name: error for name, error in table.errors.items() if error not in known}
    for name, error in errors.items():
        yield wrong(f"function {name}", error, "the host in Azure would not run it: correct its decorators")
    count = len(table.functions) + len(table.errors) + len(table.disabled)
    if not count:
        yield wrong("functions", "the app has none", "register the blueprints in function_app.py")
    elif not errors:
        yield fine("functions", f"{count}, with names that the host takes")
    for name in table.disabled:
        yield warning(
            f"function {name}", "it is disabled", f"remove AzureWebJobs.{name}.Disabled if not meant"
        )


def app_error(error: AppError, values: Mapping[str, str]) -> Finding:
    """Return the finding for an app that cannot be loaded, without the settings that it may have printed."""
    last = (error.stack or str(error)).strip().splitlines()[-1]
    for value in sorted(values.values(), key=len, reverse=True):
        if len(value) >= _SECRET:
            last = last.replace(value, "…")
    last = _KEY.sub("AccessKey=…", last)
    return wrong(
        "function_app.py", f"it cannot be loaded: {last}", "run python -m signalr_local for the traceback"
    )


def _ignore(level: int, text: str, function: Function | None) -> None:
    pass
