"""The app's host.json, and the settings that override it.

Source: https://learn.microsoft.com/azure/azure-functions/functions-host-json.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from signalr_local.host.json_files import read_object
from signalr_local.host.response_headers import header_fault
from signalr_local.host.timespans import parse_timespan
from signalr_local.host.whole_app import does_not_start

__all__ = ["HOST_JSON", "HostConfiguration"]

HOST_JSON = "host.json"

_OVERRIDE = "azurefunctionsjobhost:"
_LEVELS = ("trace", "debug", "information", "warning", "error", "critical", "none")
_FILE_LOGGING = ("never", "always", "debugonly")
_UNLIMITED = -1

_HONOURED = (
    *(
        "version",
        "functiontimeout",
        "functions",
        "extensionbundle",
        "logging:loglevel",
        "logging:applicationinsights",
    ),
    *("extensions:http:routeprefix", "extensions:http:customheaders", "extensions:http:hsts"),
    *("extensions:http:maxconcurrentrequests", "extensions:http:maxoutstandingrequests", "id"),
)
"""What has a meaning here, or, as Application Insights, none on one's own machine."""

_KNOWN = (
    *(
        "aggregator",
        "concurrency",
        "customhandler",
        "healthmonitor",
        "manageddependency",
        "retry",
        "singleton",
    ),
    *(
        "watchdirectories",
        "watchfiles",
        "extensions",
        "logging",
        "telemetrymode",
        "sendcancelsocketexception",
    ),
)


@dataclass(frozen=True, slots=True)
class HostConfiguration:
    """What the local host honours of host.json; everything else concerns Azure alone.

    ``function_timeout`` is None where functions may run forever, ``functions`` is empty where all of them
    run. ``max_concurrent`` and ``max_outstanding`` are numbers of HTTP requests, None for any number.
    ``log_levels`` are by category. ``remarks`` say what is in the file and does nothing here.
    """

    route_prefix: str = "api"
    function_timeout: timedelta | None = timedelta(minutes=30)
    functions: tuple[str, ...] = ()
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    strict_transport_security: str | None = None
    max_concurrent: int | None = None
    max_outstanding: int | None = None
    log_levels: Mapping[str, str] = field(default_factory=dict)
    extension_bundle: Mapping[str, str] | None = None
    remarks: tuple[str, ...] = ()

    @property
    def shows_debug(self) -> bool:
        """Tell whether what a function logs with level DEBUG is shown, of any function."""
        return any(
            name.lower().split(".")[0] == "function" and level.lower() in ("trace", "debug", "0", "1")
            for name, level in self.log_levels.items()
        )

    @classmethod
    def read(cls, app: Path, settings: Mapping[str, str] | None = None) -> "HostConfiguration":
        """Read the file of an app's folder, and the settings ``AzureFunctionsJobHost__…`` over it.

        Raise ValueError that says what is wrong.
        """
        path = app / HOST_JSON
        try:
            content = read_object(path) or {}
        except ValueError as error:
            raise ValueError(does_not_start(str(error))) from None
        if content:
            _check_version(path, content)
        tree = _Tree(content, settings or {})
        http = "extensions:http:"
        levels = tree.section("logging:loglevel")
        mode = tree.text("logging:fileloggingmode")
        for name, level in (*levels.items(), *((("fileLoggingMode", mode),) if mode else ())):
            allowed = _FILE_LOGGING if name == "fileLoggingMode" else _LEVELS
            if level.lower() not in allowed and not level.isdecimal():
                raise ValueError(
                    does_not_start(
                        f"{path}: the log level of {name} is {level!r}, expected one of {', '.join(allowed)}"
                    )
                )
        return cls(
            route_prefix=_default(tree.text(f"{http}routeprefix", missing="api")),
            function_timeout=_timeout(path, tree.text("functiontimeout")),
            functions=tuple(tree.section("functions").values()),
            custom_headers=_headers(path, tree.section(f"{http}customheaders")),
            strict_transport_security=_hsts(tree, f"{http}hsts:"),
            max_concurrent=_limit(path, tree, f"{http}maxconcurrentrequests"),
            max_outstanding=_limit(path, tree, f"{http}maxoutstandingrequests"),
            log_levels=levels,
            extension_bundle=tree.section("extensionbundle") or None,
            remarks=tuple(tree.remarks()),
        )


class _Tree:
    """Hold the file and the settings as .NET's configuration does: texts by path, in any case."""

    def __init__(self, content: Mapping[str, Any], settings: Mapping[str, str]) -> None:
        self._content = content
        self._values: dict[str, tuple[str, str | None]] = {}
        for path, value in _flat("", content):
            self._values[path.lower()] = (path, value)
        for name in settings:
            path = name.replace("__", ":")
            if path.lower().startswith(_OVERRIDE) and not path.lower().startswith(f"{_OVERRIDE}version"):
                own = path[len(_OVERRIDE) :]
                self._values[own.lower()] = (own, settings[name])

    def text(self, path: str, missing: str | None = None) -> str | None:
        """Return the text at a path; ``missing`` where the path is not there."""
        return self._values[path][1] if path in self._values else missing

    def section(self, path: str) -> dict[str, str]:
        """Return the texts directly below a path, by their names as they are spelled."""
        found: dict[str, str] = {}
        for key, (spelled, value) in self._values.items():
            name = spelled[len(path) + 1 :]
            if key.startswith(f"{path}:") and name and ":" not in name:
                found[name] = value or ""
        return found

    def remarks(self) -> Iterator[str]:
        """Yield what is there and does nothing here, most of it because it concerns Azure alone."""
        unknown = sorted(
            name
            for name in self._content
            if name.lower() not in {*_KNOWN, *_first_of(_HONOURED), "http", "$schema"}
        )
        if unknown:
            yield f"the host does not know {', '.join(unknown)}, here as in Azure"
        ignored = sorted(
            {
                spelled
                for key, (spelled, value) in self._values.items()
                if value is not None
                and not any(key == name or key.startswith(f"{name}:") for name in _HONOURED)
                and key.split(":")[0] in _KNOWN
            }
        )
        if ignored:
            yield f"not used by the local runtime: {', '.join(name.replace(':', '.') for name in ignored)}"


def _first_of(paths: tuple[str, ...]) -> set[str]:
    return {path.split(":")[0] for path in paths}


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str | None]]:
    match value:
        case dict():
            for name, item in value.items():
                yield from _flat(f"{prefix}:{name}" if prefix else name, item)
        case list():
            for position, item in enumerate(value):
                yield from _flat(f"{prefix}:{position}", item)
        case None | str():
            yield prefix, value
        case bool():
            yield prefix, str(value)
        case _:
            yield prefix, json.dumps(value)


def _check_version(path: Path, content: Mapping[str, Any]) -> None:
    version = content.get("version")
    if version is None:
        reason = f'{path} has no "version"'
    elif version != "2.0":
        reason = f'{path} has the "version" {json.dumps(version)}'
    else:
        return
    raise ValueError(does_not_start(f'{reason}, write "version": "2.0"'))


def _default(prefix: str | None) -> str:
    return prefix or ""


def _timeout(path: Path, text: str | None) -> timedelta | None:
    if not text:
        return timedelta(minutes=30)
    if text == "-1":
        return None
    timeout = parse_timespan(text)
    if timeout is None:
        raise ValueError(
            does_not_start(f'functionTimeout in {path} is {text!r}, expected "hh:mm:ss", or "-1" for none')
        )
    if timeout < timedelta(seconds=1):
        raise ValueError(
            does_not_start(f"functionTimeout in {path} is {text!r}, expected one second or more")
        )
    return timeout


def _limit(path: Path, tree: _Tree, key: str) -> int | None:
    text = tree.text(key)
    if not text:
        return None
    name = "maxConcurrentRequests" if "concurrent" in key else "maxOutstandingRequests"
    try:
        limit = int(text)
    except ValueError:
        raise ValueError(does_not_start(f"{name} in {path} is {text!r}, expected a number")) from None
    if limit == _UNLIMITED:
        return None
    if limit < 1:
        raise ValueError(
            f"{name} in {path} is {limit}: in Azure every request is answered with 500. Expected 1 or "
            "more, or "
            "-1 for no limit"
        )
    return limit


def _headers(path: Path, headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        reason = header_fault(name, value)
        if reason is not None:
            raise ValueError(
                f"customHeaders in {path}: {reason}. In Azure every request is answered with 500"
            )
    return headers


def _hsts(tree: _Tree, prefix: str) -> str | None:
    if (tree.text(f"{prefix}isenabled") or "").lower() != "true":
        return None
    text = tree.text(f"{prefix}maxage") or "30"
    age = parse_timespan(text)
    parts = [f"max-age={int(age.total_seconds()) if age else 2592000}"]
    for name, directive in (("includesubdomains", "includeSubDomains"), ("preload", "preload")):
        if (tree.text(prefix + name) or "").lower() == "true":
            parts.append(directive)
    return "; ".join(parts)
