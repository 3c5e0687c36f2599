"""The tools for tests: calls at unit depth, whole apps in the process of a test and with a worker each."""

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.figures import say, table
from serverless_signalr import ServerlessHub
from serverless_signalr.testing import call
from signalr_local.testing import SignalRTest

__all__ = ["main"]

_APP = Path(__file__).parents[1] / "examples" / "class_based"


class _Echo(ServerlessHub, hub="chat"):
    async def echo(self, value: str) -> str:
        return value


async def main(calls: int = 1000, tests: int = 100, workers: int = 3) -> None:
    """Print the milliseconds of one call, of one proof that nothing comes, and of one test of each kind."""
    log = logging.getLogger("signalr_local")
    level = log.level
    # What the worker's app lacks in its settings is of no interest here.
    log.setLevel(logging.CRITICAL)
    try:
        await _measure(calls, tests, workers)
    finally:
        log.setLevel(level)


async def _measure(calls: int, tests: int, workers: int) -> None:
    hub = _Echo()
    # Imports happen once in a run of tests, and are no part of a test.
    await call(hub, "echo", "hi")
    await _day(hub)
    ways: list[tuple[str, Callable[[], Awaitable[None]], int]] = [
        ("unit call", lambda: _call(hub), calls),
        ("whole test, 3 clients", lambda: _talk(hub), tests),
        ("whole test, 24 h of a group", lambda: _day(hub), tests),
    ]
    rows = [(name, [await _each(way, count)]) for name, way, count in ways]
    async with SignalRTest(hub) as env:
        client = await env.connect("ann")
        rows.append(("expect_nothing", [await _each(client.expect_nothing, calls)]))
    rows.append(("floor: 3 clients, own worker", [await _each(lambda: _talk(_APP, worker=True), workers)]))
    table("tools for tests, each", ["ms"], rows)
    unit, whole, with_worker = rows[0][1][0], rows[1][1][0] / 10, rows[-1][1][0] / 10
    say(f"1,000 unit calls: {unit:,.2f} s; 100 whole tests: {whole:.1f} s, with workers {with_worker:.0f} s")


async def _call(hub: _Echo) -> None:
    await call(hub, "echo", "hi")


async def _talk(app: Any, *, worker: bool = False) -> None:
    async with SignalRTest(app, worker=worker, patience=60) as env:
        clients = [await env.connect(name) for name in ("ann", "bob", "eve")]
        for client in clients:
            await client.invoke("echo", "hi")


async def _day(hub: _Echo) -> None:
    async with SignalRTest(hub) as env:
        await env.service().add_user_to_group("g", user_id="ann", ttl=timedelta(hours=24))
        await env.advance(hours=24)
        if await env.service().is_user_in_group("g", user_id="ann"):
            raise AssertionError("a user is in a group for longer than its time")


async def _each(way: Callable[[], Awaitable[None]], count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        await way()
    return (time.perf_counter() - started) / count * 1000
