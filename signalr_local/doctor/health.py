"""The app's own word about its connection: its health function, if it has one."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Any

import aiohttp

from serverless_signalr._rest.pool import proxy, running_pool
from signalr_local.doctor.findings import Finding, fine, note, warning, wrong
from signalr_local.doctor.network import FAILURES, unreachable
from signalr_local.host.functions import Function

__all__ = ["ask_health", "health_path"]

_HEALTH = "health"
_TIMEOUT = aiohttp.ClientTimeout(total=60)
"""Includes a cold start."""


def health_path(functions: Iterable[Function], prefix: str) -> str | None:
    """Return the path of the app's health function, None if it has none."""
    for function in functions:
        methods = function.methods
        if (
            function.is_http
            and function.route.strip("/").lower() == _HEALTH
            and "GET" in (methods or ["GET"])
        ):
            return f"/{prefix}/{_HEALTH}" if prefix else f"/{_HEALTH}"
    return None


async def ask_health(host: str, path: str, key: str | None) -> Finding:
    """Ask the app whether it reaches its service; ``key`` is a function key, which is never shown."""
    url = f"https://{host}{path}"
    session = (await running_pool()).session
    headers = {"x-functions-key": key} if key else {}
    started = perf_counter()
    try:
        async with session.get(
            url, headers=headers, proxy=proxy(url), timeout=_TIMEOUT, allow_redirects=False
        ) as response:
            status, text = response.status, await response.text()
    except FAILURES as error:
        seen, fix = unreachable(host, error, "check that the app is running and open to your network")
        return warning("app.unreachable", path, seen, fix)
    took = (perf_counter() - started) * 1000
    if status == HTTPStatus.OK:
        return fine("app.health", path, f"{took:.0f} ms, the app reaches its service", took)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and (problems := _problems(text)):
        return wrong(
            "app.health", path, "; ".join(problems), "follow what it says, then run the doctor again"
        )
    if status in (HTTPStatus.FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return note("app.health-closed", path, f"it lets only others in (status {status})")
    fix = "look for the exception in the app's log"
    return warning("app.health-answer", path, f"it answers with status {status}", fix)


def _problems(text: str) -> list[str]:
    """Return the problems of each instance, as the library's health check writes them."""
    try:
        content: Any = json.loads(text)
        return [
            f"{item['setting']}: {item['problem']}" for item in content["instances"] if item.get("problem")
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
