"""An answer while the service refuses every send for ten seconds, end to end."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from tests.e2e.test_answers import CLIENT, EXAMPLE, Device, Launch, whole

REFUSED_FOR = 10.0


class Throttle:
    """Pass requests of the REST API on to the emulator, or refuse them as the service does at its limit."""

    def __init__(self, emulator: str) -> None:
        self.refused = 0
        self.until = 0.0
        self._emulator = emulator
        self._runner = web.ServerRunner(web.Server(self._pass_on, access_log=None), shutdown_timeout=0.1)

    async def start(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://localhost:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _pass_on(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.endswith("/:send") and time.monotonic() < self.until:
            self.refused += 1
            return web.Response(status=429)
        async with aiohttp.ClientSession() as session:
            body, headers = await request.read(), dict(request.headers)
            url = f"{self._emulator}{request.rel_url}"
            async with session.request(request.method, url, data=body, headers=headers) as found:
                return web.Response(status=found.status, body=await found.read())


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture
async def throttle(port: int) -> AsyncIterator[tuple[Throttle, str]]:
    throttle = Throttle(f"http://localhost:{port}")
    yield throttle, await throttle.start()
    await throttle.stop()


async def test_ten_seconds_of_429_lose_no_letter(
    launch: Launch, example_folder: Callable[[Path], Path], throttle: tuple[Throttle, str], port: int
) -> None:
    faults, address = throttle
    folder = example_folder(EXAMPLE)
    settings = folder / "local.settings.json"
    value = json.loads(settings.read_text())
    connection = value["Values"]["AzureSignalRConnectionString"].replace("Port=8888", f"Port={port}")
    value["Values"]["AzureSignalRConnectionString"] = f"{connection}ServerEndpoint={address};"
    settings.write_text(json.dumps(value))
    host = launch(
        *("host", "--app", str(folder), "--port", "0"),
        environment={"OPENAI_API_KEY": "", "BUILT_IN_PAUSE": "0.05"},
    )
    api = (await asyncio.to_thread(host.wait_for, r"negotiate: \[POST\] (http://\S+)/negotiate"))[1]
    events = f"{api.removesuffix('/api')}/runtime/webhooks/signalr"
    emulator = launch("emulator", "--emulator-port", str(port), "--upstream", events, environment={})
    await asyncio.to_thread(emulator.wait_for, "SignalR Service emulator")
    pipe = asyncio.subprocess.PIPE
    device = Device(await asyncio.create_subprocess_exec("node", str(CLIENT), stdin=pipe, stdout=pipe))
    answer_id = uuid4().hex
    await device.call("start", url=f"{api}?user=ann")
    device.begin("ask", id=answer_id, question="tea?")
    await device.piece_of_text(answer_id)
    faults.until = time.monotonic() + REFUSED_FOR
    found: dict[str, Any] = await device.end(answer_id)
    assert (found["text"], found["end"]) == (whole("tea?"), "done")
    assert faults.refused > 0
    await device.close()
    for process in (emulator, host):
        await asyncio.to_thread(process.stop)
