"""The tools for tests: calls at unit depth, whole apps in the process of a test and with a worker each."""

import time
from datetime import timedelta
from pathlib import Path

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
    """Print the milliseconds of one call, of one proof that nothing comes, and of one test."""
    hub = _Echo()
    started = time.perf_counter()
    for _ in range(calls):
        await call(hub, "echo", "hi")
    one_call = _each(started, calls)
    started = time.perf_counter()
    for _ in range(tests):
        async with SignalRTest(hub) as env:
            await _talk(env)
    one_test = _each(started, tests)
    started = time.perf_counter()
    for _ in range(workers):
        async with SignalRTest(_APP, worker=True, patience=60) as env:
            await _talk(env)
    with_worker = _each(started, workers)
    async with SignalRTest(hub) as env:
        client = await env.connect("ann")
        started = time.perf_counter()
        for _ in range(calls):
            await client.expect_nothing()
        nothing = _each(started, calls)
        started = time.perf_counter()
        await env.service().add_user_to_group("g", user_id="ann", ttl=timedelta(hours=24))
        await env.advance(hours=24)
        if await env.service().is_user_in_group("g", user_id="ann"):
            say("a user is in a group for longer than its time")
        day = _each(started, 1)
    table(
        "tools for tests, each",
        ["ms"],
        [
            ("unit call", [one_call]),
            ("expect_nothing", [nothing]),
            ("24 h of a group", [day]),
            ("whole test, 3 clients", [one_test]),
            ("floor: the same, own worker", [with_worker]),
        ],
    )


async def _talk(env: SignalRTest) -> None:
    clients = [await env.connect(name) for name in ("ann", "bob", "eve")]
    for client in clients:
        await client.invoke("echo", "hi")


def _each(started: float, count: int) -> float:
    return (time.perf_counter() - started) / count * 1000
