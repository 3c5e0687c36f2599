"""The host's own addresses: the home page, its state, its functions and their keys.

Source: azure-functions-host, HostController, FunctionsController and KeysController; anonymous on one's own
machine.
"""

import json
import platform
import time
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from signalr_local.host.functions import Function
from signalr_local.host.instance import AppInstance
from signalr_local.host.keys import Keys
from signalr_local.host.targets import Target

__all__ = ["PREFIX", "handle", "home", "invoke_url", "is_admin"]

PREFIX = "/admin/"

_VERSION = "4.1037.0"
_STARTED = time.monotonic()
_NOT_CACHED = {"Cache-Control": "no-store,no-cache", "Pragma": "no-cache"}
_HOME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Functions</title></head>
<body><p>Your Functions app is up and running.</p></body></html>
"""
_EXTENSION_KEY = "signalr_extension"

_keys = Keys()


def is_admin(path: str) -> bool:
    """Tell whether a path is one of the host's own."""
    return path.lower().startswith(PREFIX)


def home() -> web.Response:
    """Answer a request for ``/`` of an app that has no function there."""
    return web.Response(body=_HOME.encode(), headers={hdrs.CONTENT_TYPE: "text/html"})


async def handle(
    request: web.BaseRequest, target: Target, instance: AppInstance | None, error: str
) -> web.StreamResponse:
    """Answer a request under ``/admin``; ``error`` says why there is no instance."""
    path, base = target.path, target.base
    parts = path.removeprefix("/").lower().removeprefix("admin/").removesuffix("/").split("/")
    names = path.removeprefix("/").removesuffix("/").split("/")[1:]
    match request.method, *parts:
        case ["GET" | "POST", "host", "ping"]:
            return web.Response(headers=_NOT_CACHED)
        case ["GET", "host", "status"]:
            return web.json_response(_status(instance, error))
        case ["GET", "warmup"]:
            return web.Response()
        case ["GET", "host", "drain", "status"]:
            return web.json_response(
                {"state": "Disabled", "outstandingInvocations": 0, "outstandingRetries": 0}
            )
        case ["GET", "host", "extensions"]:
            url = f"{base}/admin/host/extensions"
            return web.json_response({"extensions": [], "links": [{"rel": "self", "href": url}]})
        case ["GET", "instance", "info"]:
            return web.json_response(
                {"FUNCTIONS_EXTENSION_VERSION": "~4", "WEBSITE_NODE_DEFAULT_VERSION": "8.5.0"}
            )
        case _ if instance is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        case ["GET", "host", "config"]:
            return web.Response(text=json.dumps(_config(instance), indent=2))
        case [method, "host", "keys" | "functionkeys" | "systemkeys", *_]:
            return _answer_keys(base, instance, method, names)
        case ["GET", "functions"]:
            return web.json_response([_describe(base, instance, item) for item in instance.table.everything])
        case [method, "functions", name, *more] if function := instance.table.find(name):
            return await _answer_function(request, base, instance, function, method, more)
        case _:
            return web.Response(status=HTTPStatus.NOT_FOUND)


def invoke_url(base: str, function: Function, route_prefix: str) -> str:
    """Return the address of an HTTP function, its parameters in braces."""
    prefix = route_prefix.strip("/")
    return f"{base}/{prefix}/{function.route}" if prefix else f"{base}/{function.route}"


async def _answer_function(
    request: web.BaseRequest,
    base: str,
    instance: AppInstance,
    function: Function,
    method: str,
    more: list[str],
) -> web.StreamResponse:
    match method, *more:
        case ["GET"]:
            return web.json_response(_describe(base, instance, function))
        case ["GET", "status"]:
            error = instance.table.errors.get(function.name)
            return web.json_response({} if error is None else {"errors": [error]})
        case ["GET", "keys"]:
            url = f"{base}/admin/functions/{function.name}/keys"
            return web.json_response(_keys.list(function.name, url, has_default=True))
        case ["POST" | "PUT"] if request.content_type != "application/json":
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        case ["POST"]:
            return _fire(instance, function, await request.read())
        case _:
            return web.Response(status=HTTPStatus.NOT_FOUND)


def _fire(instance: AppInstance, function: Function, body: bytes) -> web.Response:
    """Run a function with the ``input`` of a JSON object; the answer does not wait for its end."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        return web.Response(status=HTTPStatus.BAD_REQUEST)
    given = next((value for name, value in content.items() if name.lower() == "input"), None)
    if isinstance(given, dict | list):
        return web.Response(status=HTTPStatus.BAD_REQUEST)
    instance.fire(function, "" if given is None else str(given))
    return web.Response(status=HTTPStatus.ACCEPTED)


def _answer_keys(base: str, instance: AppInstance, method: str, names: list[str]) -> web.StreamResponse:
    scope, more = "/".join(names[:2]).lower(), names[2:]
    url = f"{base}/admin/{'/'.join(names)}"
    is_system = scope.endswith("systemkeys")
    has_extension = is_system and any(function.is_signalr for function in instance.table.functions)
    if has_extension and _keys.get(scope, _EXTENSION_KEY, url) is None:
        _keys.make(scope, _EXTENSION_KEY)
    match method, *more:
        case ["GET"]:
            return web.json_response(_keys.list(scope, url, has_default=not is_system))
        case ["GET", name] if key := _keys.get(scope, name, url):
            return web.json_response(key)
        case ["POST", name]:
            is_new = _keys.make(scope, name)
            headers = {hdrs.LOCATION: url} if is_new else {}
            status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
            return web.json_response(_keys.get(scope, name, url), status=status, headers=headers)
        case _:
            return web.Response(status=HTTPStatus.NOT_FOUND)


def _status(instance: AppInstance | None, error: str) -> dict[str, Any]:
    status: dict[str, Any] = {
        "id": "local",
        "state": "Error" if instance is None else "Running",
        "version": f"{_VERSION}.0",
        "versionDetails": _VERSION,
        "platformVersion": "",
        "instanceId": "",
        "computerName": platform.node(),
        "processUptime": int((time.monotonic() - _STARTED) * 1000),
        "functionAppContentEditingState": "Unknown",
    }
    if instance is None:
        # A traceback is for the log alone.
        status["errors"] = error.strip().splitlines()[-1:]
    elif instance.configuration.extension_bundle:
        status["extensionBundle"] = dict(instance.configuration.extension_bundle)
    return status


def _config(instance: AppInstance) -> dict[str, Any]:
    configuration = instance.configuration
    http = {
        "dynamicThrottlesEnabled": False,
        "enableChunkedRequestBinding": False,
        "maxConcurrentRequests": configuration.max_concurrent or -1,
        "maxOutstandingRequests": configuration.max_outstanding or -1,
        "routePrefix": configuration.route_prefix,
    }
    return {"extensions": {"http": http}}


def _describe(base: str, instance: AppInstance, function: Function) -> dict[str, Any]:
    bindings = [dict(binding) for binding in function.bindings]
    script = f"{base}/admin/vfs{instance.app.as_posix()}/function_app.py"
    return {
        "name": function.name,
        "script_root_path_href": None,
        "script_href": script,
        "config_href": None,
        "test_data_href": f"{base}/admin/vfs/{function.name}.dat",
        "href": f"{base}/admin/functions/{function.name}",
        "invoke_url_template": (
            invoke_url(base, function, instance.configuration.route_prefix) if function.is_http else None
        ),
        "language": "python",
        "config": {
            "name": function.name,
            "entryPoint": function.name,
            "scriptFile": "function_app.py",
            "language": "python",
            "functionDirectory": str(instance.app),
            "bindings": bindings,
        },
        "files": None,
        "test_data": "",
        "isDisabled": function.name in instance.table.disabled,
        "isDirect": False,
        "isProxy": False,
    }
