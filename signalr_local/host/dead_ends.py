"""Dead ends: what an app or a request asks for and cannot get, told before anybody searches for long."""

import difflib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from aiohttp import hdrs, web

from serverless_signalr._connection.settings import check_instances, read_instances
from signalr_local.host.configuration import HOST_JSON
from signalr_local.host.cors import Cors
from signalr_local.host.functions import connection_setting, is_of_a_hub
from signalr_local.host.hidden_routes import hidden_by
from signalr_local.host.instance import AppInstance
from signalr_local.host.settings import LOCAL_SETTINGS

__all__ = ["DeadEnds"]

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")

# What browsers ask for of their own accord.
_UNASKED = ("/favicon.ico", "/.well-known/", "/apple-touch-icon", "/robots.txt")

_MAX_SAID = 1_000
_MAX_SHOWN = 200

_log = logging.getLogger("signalr_local.host")


class DeadEnds:
    """The dead ends that have been logged, so that each is logged once."""

    def __init__(self) -> None:
        self._announced: set[str] = set()
        self._said: set[str] = set()

    def announce(self, app: Path, instance: AppInstance) -> None:
        """Log what is wrong with an app that was loaded, unless it was so the last time."""
        found = list(_of_app(app, instance))
        for text in found:
            if text not in self._announced:
                _log.warning("%s", text)
        self._announced = set(found)

    def note_path(self, request: web.BaseRequest, instance: AppInstance) -> None:
        """Log that no function takes a request, and which one may be meant."""
        path = request.rel_url.raw_path
        if path.startswith(_UNASKED) or hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
            return
        what = f"{request.method} {_shown(path)}"
        self._say(what, f"{what}: no function takes it. {_advice(request, path, instance)}".rstrip())

    def note_origin(self, request: web.BaseRequest, cors: Cors) -> None:
        """Log that a browser keeps an answer from a page, whose origin is not allowed."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or origin == f"{request.scheme}://{request.host}":
            return
        if hdrs.ACCESS_CONTROL_ALLOW_ORIGIN in cors.headers(request):
            return
        self._say(
            f"origin {origin}",
            f"A page at {_shown(origin)} may not read the answer to {request.method} "
            f"{_shown(request.rel_url.raw_path)}: its origin is not allowed. Add it in {LOCAL_SETTINGS}: "
            f'"Host": {{"CORS": "{_shown(origin)}"}}.',
        )

    def _say(self, key: str, text: str) -> None:
        if key not in self._said and len(self._said) < _MAX_SAID:
            self._said.add(key)
            _log.warning("%s", text)


def _misplaced_route_prefix(app: Path) -> str | None:
    """Return what to do about a routePrefix in host.json where version 1 of the host had it."""
    try:
        content = json.loads((app / HOST_JSON).read_text(encoding="utf-8-sig"))
        prefix = content["http"]["routePrefix"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return (
        f"{HOST_JSON}: http.routePrefix is not read, here as in Azure. Write it under extensions: "
        f'"extensions": {{"http": {{"routePrefix": {json.dumps(prefix)}}}}}.'
    )


def _of_app(app: Path, instance: AppInstance) -> Iterator[str]:
    table = instance.table
    if not (table.functions or table.errors or table.disabled):
        yield (
            "No functions found. Functions of a blueprint count once it is registered: "
            "app.register_functions(blueprint)."
        )
    if prefix := _misplaced_route_prefix(app):
        yield prefix
    yield from instance.remarks()
    yield from _hidden_routes(instance)
    yield from _missing_settings(app, instance)


def _hidden_routes(instance: AppInstance) -> Iterator[str]:
    table, prefix = instance.table, instance.configuration.route_prefix
    for function in table.functions:
        for method in (function.methods or ["GET"]) if function.is_http else []:
            other = hidden_by(table, function, prefix, method)
            if other is not None:
                yield (
                    f"{function.name} is never reached by {method} {_path(prefix, function.route)}: "
                    f"{other.name} takes {_path(prefix, other.route)} and comes before it in the order of "
                    "names, as in Azure. Rename one of them, or make the other's route narrower."
                )


def _missing_settings(app: Path, instance: AppInstance) -> Iterator[str]:
    users: dict[str, list[str]] = {}
    for function in instance.table.functions:
        for binding in (*function.inputs, *function.outputs):
            if is_of_a_hub(binding):
                names = users.setdefault(connection_setting(binding), [])
                names.extend([function.name] if function.name not in names else [])
    for setting, names in users.items():
        try:
            check_instances(read_instances(setting, instance.settings))
        except ValueError as error:
            text = f"{', '.join(names)} will fail: {str(error).rstrip('.')}."
            example = app / f"{LOCAL_SETTINGS}.example"
            if example.exists() and not (app / LOCAL_SETTINGS).exists():
                text += f" Copy {example.name} to {LOCAL_SETTINGS}, which holds the settings of this machine."
            yield text


def _path(prefix: str, route: str) -> str:
    return "/" + "/".join(part for part in (prefix.strip("/"), route.strip("/")) if part)


def _advice(request: web.BaseRequest, path: str, instance: AppInstance) -> str:
    table, prefix = instance.table, instance.configuration.route_prefix
    if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
        return (
            "A function app has no WebSockets: SignalR clients call negotiate and connect to the service, "
            "which skipNegotiation prevents."
        )
    others = {method: found[0].name for method in _METHODS if (found := table.by_request(path, method))}
    if others:
        return f"{next(iter(others.values()))} takes it by {', '.join(others)}."
    parts = path.rstrip("/").split("/")
    if parts[-1].lower() == "negotiate":
        for function in table.functions:
            own = _path(prefix, function.route) if function.is_http else ""
            if own.lower().endswith("/negotiate") and "{" not in own:
                url = f"{request.scheme}://{request.host}{own[: -len('/negotiate')]}"
                return f"SignalR clients append /negotiate themselves: withUrl({url!r})."
    if prefix and table.by_request(f"/{prefix}{path}", request.method):
        return f"Its routes begin with /{prefix}: is {request.method} /{prefix}{_shown(path)} meant?"
    known = [_path(prefix, function.route) for function in table.functions if function.is_http]
    if narrow := next((route for route in known if _is_shaped(path, route)), None):
        return f"It does not meet the constraints of {narrow}."
    close = difflib.get_close_matches(path, known, n=1)
    return f"Is {close[0]} meant?" if close else ""


def _is_shaped(path: str, route: str) -> bool:
    """Tell whether a path would fit a route if that had no constraints."""
    parts, pieces = path.lower().strip("/").split("/"), route.lower().strip("/").split("/")
    return (
        ":" in route
        and len(parts) == len(pieces)
        and all(part == piece or "{" in piece for part, piece in zip(parts, pieces, strict=True))
    )


def _shown(text: str) -> str:
    """Return a text that a client sent, short and without anything that a terminal would obey."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)[:_MAX_SHOWN]
