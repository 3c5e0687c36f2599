"""The host's own addresses: the home page, its state, and the list of functions.

Source: azure-functions-host, HostController and FunctionsController; anonymous on one's own machine.
"""

import time
from typing import Any

from aiohttp import web

from signalr_local.host.functions import Function, FunctionTable
from signalr_local.host.instance import AppInstance

__all__ = ["PREFIX", "handle", "home", "invoke_url"]

PREFIX = "/admin/"

_VERSION = "4.0.0"
_STARTED = time.monotonic()


def home() -> web.Response:
    """Answer ``GET /`` of an app that has no function there."""
    return web.Response(text="Your Functions app is up and running.\n")


def handle(request: web.Request, instance: AppInstance | None, error: str) -> web.Response:
    """Answer a request under ``/admin``; ``error`` says why there is no instance."""
    base = f"{request.scheme}://{request.host}"
    match request.path.removeprefix(PREFIX).strip("/").split("/"):
        case ["host", "ping"]:
            return web.Response()
        case ["host", "status"]:
            return web.json_response(_status(instance, error))
        case ["functions"] if instance is not None:
            return web.json_response([_describe(base, instance, item) for item in instance.table.functions])
        case ["functions", name] if instance is not None and (item := _find(instance.table, name)):
            return web.json_response(_describe(base, instance, item))
        case _:
            return web.Response(status=404)


def invoke_url(base: str, function: Function, route_prefix: str) -> str:
    """Return the address of an HTTP function, its parameters in braces."""
    prefix = f"/{route_prefix}" if route_prefix else ""
    return f"{base}{prefix}/{function.route.lstrip('/')}"


def _status(instance: AppInstance | None, error: str) -> dict[str, Any]:
    errors = [error] if instance is None else [f"{k}: {v}" for k, v in instance.table.errors.items()]
    status: dict[str, Any] = {
        "id": "local",
        "state": "Error" if instance is None else "Running",
        "version": _VERSION,
        "processUptime": int((time.monotonic() - _STARTED) * 1000),
    }
    if instance is not None and instance.configuration.extension_bundle:
        status["extensionBundle"] = instance.configuration.extension_bundle
    return status | ({"errors": errors} if errors else {})


def _find(table: FunctionTable, name: str) -> Function | None:
    return next((item for item in table.functions if item.name.lower() == name.lower()), None)


def _describe(base: str, instance: AppInstance, function: Function) -> dict[str, Any]:
    bindings = [function.trigger, *function.inputs, *function.outputs]
    prefix = instance.configuration.route_prefix
    return {
        "name": function.name,
        "href": f"{base}/admin/functions/{function.name}",
        "invoke_url_template": invoke_url(base, function, prefix) if function.is_http else None,
        "language": "python",
        "config": {"name": function.name, "bindings": [dict(binding) for binding in bindings]},
        "isDisabled": False,
    }
