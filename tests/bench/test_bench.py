"""Every measurement runs; its figures mean nothing at these sizes."""

import os
import shutil
from collections.abc import Awaitable, Callable

import pytest

from bench import (
    answers,
    calls,
    connect,
    fan_out,
    http_functions,
    imports,
    inspector,
    loop,
    memory,
    moves,
    refresh,
    round_trip,
    slow_reader,
    testing,
)


@pytest.mark.parametrize(
    ("measure", "rows"),
    [
        (
            lambda: fan_out.main(5, 4, 1, crowds=(3,), seconds=1),
            [
                "emulator, MessagePack",
                "python-socketio",
                "floor: raw asyncio",
                "emulator, messagepack, 3 clients",
            ],
        ),
        (lambda: refresh.main(5, 1), ["refreshes", "floor: sends"]),
        (lambda: memory.main((5,)), ["emulator, JSON", "floor: raw asyncio"]),
        (lambda: connect.main(5, 1), ["all at once", "floor: WebSocket alone", "reconnect at once"]),
        (lambda: slow_reader.main(3, 4, 1024), ["3 clients do not read", "floor: all clients read"]),
        (lambda: calls.main(4, 1), ["emulator, 64 client(s)", "floor: bare POST to the app, 1 at a time"]),
        (
            lambda: inspector.main(3, 4, 16, 1, 1),
            ["Calls, emulator, host and worker", "with an inspector that is looked at", "floor: without"],
        ),
        (
            lambda: loop.main(1),
            ["start until it is ready", "reload after an edit", "floor: python -c import"],
        ),
        (moves.main, ["call of a hub method", "clients.group(g).new_message(x)"]),
        (
            lambda: round_trip.main(20),
            ["invoke echo, its completion", "broadcast", "aiohttp, pipe, worker library"],
        ),
        (
            lambda: http_functions.main(2, 0.2),
            ["host, worker, function", "aiohttp, pipe, worker library", "floor: aiohttp, pipe, child"],
        ),
        (lambda: imports.main(1), ["function_app, all blueprints", "floor: azure.functions"]),
        (
            lambda: answers.main(12, 3),
            ["One answer of 12 tokens", "floor: iterate only", "a stored answer of 1,200 tokens"],
        ),
        (
            lambda: testing.main(2, 2, 1),
            ["unit call", "expect_nothing", "24 h of a group", "floor: 3 clients, own worker"],
        ),
    ],
    ids=[
        "fan_out",
        "refresh",
        "memory",
        "connect",
        "slow_reader",
        "calls",
        "inspector",
        "loop",
        "moves",
        "round_trip",
        "http_functions",
        "imports",
        "answers",
        "testing",
    ],
)
async def test_a_measurement_prints_its_figures_and_a_floor(
    capsys: pytest.CaptureFixture[str], measure: Callable[[], Awaitable[None]], rows: list[str]
) -> None:
    if shutil.which("cc") is None and not os.environ.get("CI"):
        pytest.skip("the counting clients are written in C, and there is no compiler")
    await measure()
    printed = capsys.readouterr().out
    for row in rows:
        assert row in printed
