"""The app's functions: does the app load, and would the host in Azure run its functions?"""

import asyncio
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from signalr_local.doctor.findings import Finding, fine, note, warning, wrong
from signalr_local.host.app_folder import script_name
from signalr_local.host.configuration import HostConfiguration
from signalr_local.host.functions import Function
from signalr_local.host.hidden_routes import hidden_by
from signalr_local.host.interpreter import interpreter_of
from signalr_local.host.table import FunctionTable
from signalr_local.host.worker import AppError, Worker, worker_environment

__all__ = ["app_error", "check_functions", "check_routes", "load_functions", "route_prefix"]

_PATIENCE = 60.0
"""Seconds that an app may take to load: far more than a slow machine needs."""

_SECRET = 16
"""Length from which on the value of a setting is not repeated."""

_KEY = re.compile(r"AccessKey=[^;\s]+", re.IGNORECASE)


async def load_functions(app: Path, values: Mapping[str, str]) -> list[Function]:
    """Index the app in a worker of its own. Raise AppError if it cannot be loaded."""
    places: list[str] = []
    try:
        async with asyncio.timeout(_PATIENCE):
            environment = worker_environment(values, app, 7071)
            worker = await Worker.open(app, environment, _ignore, interpreter_of(app))
            await worker.loaded(places.append)
    except TimeoutError:
        where = f"; after some seconds it was at {places[0].removeprefix(f'{app}{os.sep}')}" if places else ""
        raise AppError(
            f"it was not loaded within {_PATIENCE:.0f} seconds{where}",
            hint="do what waits there when it is first needed, in a function",
        ) from None
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


def check_functions(
    table: FunctionTable, known: Collection[str], *, already: Collection[str] = ()
) -> Iterator[Finding]:
    """Check names, routes and events.

    ``known`` are messages that have been reported with their settings, ``already`` the names of functions
    that have been reported.
    """
    errors = {
        name: error for name, error in table.errors.items() if error not in known and name not in already
    }
    for problem in table.fatal:
        yield wrong("functions.whole-app", "functions", problem.rstrip("."), "correct what it names")
    for name in table.left_out:
        yield note("functions.left-out", f"function {name}", "host.json does not list it in functions")
    for name, error in errors.items():
        yield wrong(
            "functions.refused",
            f"function {name}",
            f"{error.rstrip('.')}. The host in Azure does not run the function",
            "correct its decorators accordingly",
        )
    count = len(table.everything)
    if not count:
        yield wrong(
            "functions.none",
            "functions",
            "the app has none",
            "register the blueprints in function_app.py: app.register_functions(...)",
        )
    elif not errors and not already and not table.fatal:
        yield fine("functions.names", "functions", f"{count}, all with valid names and bindings")
    for name in table.disabled:
        yield warning(
            "functions.disabled",
            f"function {name}",
            "it is disabled",
            f"remove the app setting AzureWebJobs.{name}.Disabled unless that is intended",
        )


def check_routes(table: FunctionTable, prefix: str) -> Iterator[Finding]:
    """Look for HTTP functions that no request reaches.

    The host takes the first route that matches, in the order of the functions' names.
    """
    for function in table.functions:
        if not function.is_http:
            continue
        for method in function.methods or ["GET"]:
            other = hidden_by(table, function, prefix, method)
            if other is not None:
                yield _hidden(function, other, prefix, method)
                break


def _hidden(function: Function, other: Function, prefix: str, method: str) -> Finding:
    path, taken = (f"/{f'{prefix}/' if prefix else ''}{item.route.lstrip('/')}" for item in (function, other))
    return wrong(
        "functions.hidden-route",
        f"function {function.name}",
        f"{method} {path} never reaches it: the function {other.name}, earlier in the order of names, "
        f"takes {taken}",
        f"give {function.name} a name that sorts before {other.name}, as in "
        f'@bp.function_name("a_{function.name}"), or give {other.name} a narrower route',
    )


def app_error(error: AppError, app: Path, values: Mapping[str, str]) -> Finding:
    """Return the finding for an app that cannot be loaded, without settings that it may have printed."""
    last = str(error).strip().splitlines()[0]
    for value in sorted(values.values(), key=len, reverse=True):
        if len(value) >= _SECRET:
            last = last.replace(value, "…")
    last = _KEY.sub("AccessKey=…", last)
    where = ""
    # An error of syntax says it by itself.
    if error.place is not None and f"line {error.place.line})" not in last:
        where = f" ({os.path.relpath(error.place.file, app)}, line {error.place.line})"
    return wrong(
        "functions.load",
        script_name(values),
        f"it cannot be loaded: {last}{where}",
        error.hint or "correct that; signalr-local shows the traceback when it starts the app",
        place=error.place,
    )


def _ignore(level: int, text: str, function: Function | None, invocation: str | None) -> None:
    pass
