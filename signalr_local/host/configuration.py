"""The app's host.json.

Source: https://learn.microsoft.com/azure/azure-functions/functions-host-json.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

__all__ = ["HOST_JSON", "HostConfiguration"]

HOST_JSON = "host.json"

_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class HostConfiguration:
    """Hold what the local host honours of host.json; everything else is Azure's business.

    ``function_timeout`` is None where functions may run forever. ``log_levels`` are by category.
    """

    route_prefix: str = "api"
    function_timeout: timedelta | None = timedelta(minutes=30)
    log_levels: dict[str, str] = field(default_factory=dict)
    extension_bundle: dict[str, str] | None = None

    @classmethod
    def read(cls, app: Path) -> "HostConfiguration":
        """Read the file of an app's folder. Raise ValueError that says what is wrong with it."""
        path = app / HOST_JSON
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            return cls()
        except ValueError as error:
            raise ValueError(f"{path} is not valid JSON: {error}") from None
        if not isinstance(content, dict) or content.get("version") != "2.0":
            raise ValueError(f'{path} must hold an object with "version": "2.0"')
        prefix = _member(content, "extensions", "http", "routePrefix")
        return cls(
            route_prefix="api" if prefix is None else str(prefix).strip("/"),
            function_timeout=_timeout(path, content.get("functionTimeout", "00:30:00")),
            log_levels=_log_levels(path, _member(content, "logging", "logLevel")),
            extension_bundle=content.get("extensionBundle"),
        )


def _member(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _timeout(path: Path, text: object) -> timedelta | None:
    if str(text) == "-1":
        return None
    match = _TIMESPAN.fullmatch(str(text))
    if match is None:
        raise ValueError(f'functionTimeout in {path} is {text!r}, expected "hh:mm:ss" or "-1"')
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    timeout = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if timeout < timedelta(seconds=1):
        raise ValueError(f"functionTimeout in {path} is {text!r}, expected one second or more")
    return timeout


def _log_levels(path: Path, levels: object) -> dict[str, str]:
    if levels is not None and not isinstance(levels, dict):
        raise ValueError(f"logLevel in {path} is {levels!r}, expected levels by category")
    return dict(levels or {})
