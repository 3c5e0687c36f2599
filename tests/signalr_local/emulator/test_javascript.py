"""The JavaScript client, as browsers and Node.js run it, over each transport."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

_SCRIPT = Path(__file__).with_name("javascript_client.mjs")
PATIENCE = 20.0


class Script:
    """Drive a client that runs in Node.js."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def next(self) -> Any:
        """Return what the client tells next."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self.process.stdout.readline())

    async def stop(self) -> int:
        """Have the client stop, and return the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@pytest.fixture
def service(service_with_app: Any, app: Any) -> Any:
    app.answer("fail", 500)
    return service_with_app


type Run = Callable[..., Awaitable[Script]]


@pytest.fixture
async def run(negotiate_url: str) -> AsyncIterator[Run]:
    """Run clients, and see that each has ended."""
    started: list[Script] = []

    async def run_one(transport: str, protocol: str = "json", *, comes_back: bool = False) -> Script:
        process = await asyncio.create_subprocess_exec(
            "node",
            str(_SCRIPT),
            negotiate_url,
            transport,
            protocol,
            *(["comesBack"] if comes_back else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(Script(process))
        return started[-1]

    yield run_one
    for script in started:
        if script.process.returncode is None:
            script.process.kill()
        await script.process.wait()


WAYS = [
    ("WebSockets", "json"),
    ("ServerSentEvents", "json"),
    ("LongPolling", "json"),
    ("WebSockets", "messagepack"),
    ("LongPolling", "messagepack"),
]


@pytest.mark.parametrize(("transport", "protocol"), WAYS)
async def test_the_javascript_client_connects_is_answered_receives_and_leaves(
    service: Any, app: Any, run: Run, transport: str, protocol: str
) -> None:
    client = await run(transport, protocol)
    connection_id = (await client.next())["connectionId"]
    connected = await app.next("connected")
    assert connected.connection_id == connection_id
    assert connected.headers["X-ASRS-User-Id"] == "ann"
    assert await client.next() == {"result": {"a": "ü", "b": [1, None, True]}}
    assert "Invocation failed, status code 500" in (await client.next())["error"]
    for number in range(3):
        await service.send("/users/ann", number, {"a": "ü"})
        assert await client.next() == {"received": [number, {"a": "ü"}]}
    ask = {"target": "confirm", "arguments": ["sure?"]}
    reply = await service.rest(
        "POST", f"/connections/{connection_id}/:invoke", version="2024-12-01", message=ask
    )
    assert reply.json() == {"result": {"answered": "sure?"}}
    assert await client.stop() == 0
    for name in ("echo", "fail", "disconnected"):
        await app.next(name)


@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
async def test_the_javascript_client_notices_that_it_was_closed(
    service: Any, run: Run, transport: str
) -> None:
    client = await run(transport)
    connection_id = (await client.next())["connectionId"]
    for _ in range(2):
        await client.next()
    await service.rest("DELETE", f"/connections/{connection_id}", "reason=enough")
    assert "enough" in (await client.next())["closed"]
    assert await client.stop() == 0


@pytest.mark.parametrize(("transport", "protocol"), WAYS)
async def test_the_javascript_client_is_back_after_a_restart(
    service: Any, app: Any, run: Run, transport: str, protocol: str
) -> None:
    client = await run(transport, protocol, comes_back=True)
    connection_id = (await client.next())["connectionId"]
    for _ in range(2):
        await client.next()
    await service.emulator.restart()
    again = (await client.next())["reconnected"]
    assert again != connection_id
    await service.send("/users/ann", 1)
    assert await client.next() == {"received": [1]}
    for name in ("connected", "echo", "fail", "disconnected", "connected"):
        await app.next(name)
    assert await client.stop() == 0
