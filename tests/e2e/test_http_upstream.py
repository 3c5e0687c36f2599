"""A hub behind the HTTP upstream, with the emulator, the local host and a client of the bare wire."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from signalr_local.emulator import DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY, Emulator, UpstreamRule
from signalr_local.host.host import FunctionsHost

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds after which something that should have happened has not; far more than a slow machine needs."""

APP = f"""
import logging
import sys

sys.path.insert(0, {str(ROOT)!r})

import azure.functions as func
from serverless_signalr import FunctionApp, ServerlessHub, SignalRInvocationContext, requires

class Chat(ServerlessHub, hub="chat"):
    def who(self, caller: SignalRInvocationContext) -> dict[str, object]:
        logging.info("who called: %s %s", caller, dict(caller.query))
        return {{"user": caller.user_id, "query": sorted(caller.query)}}

    @requires(role="admin")
    def wipe(self) -> str:
        return "wiped"

chat = Chat(upstream_route="upstream")
app = FunctionApp()
app.register_functions(chat.blueprint)

@app.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def negotiate(req: func.HttpRequest) -> func.HttpResponse:
    info = await chat.negotiate(user_id="ann", claims={{"role": req.params.get("role", "user")}})
    return func.HttpResponse(info.to_json(), mimetype="application/json")
"""


@dataclass
class Stack:
    """An emulator, and a host whose app receives its events over HTTP."""

    emulator: Emulator
    host: FunctionsHost
    session: aiohttp.ClientSession

    async def call(self, target: str, *, role: str = "user") -> Any:
        """Connect with a token that negotiate gives, call a method and return its completion."""
        async with asyncio.timeout(PATIENCE):
            url = f"http://127.0.0.1:{self.host.port}/api/negotiate?role={role}"
            async with self.session.post(url) as response:
                info = await response.json()
            address = f"{info['url']}&access_token={info['accessToken']}"
            async with self.session.ws_connect(address) as socket:
                await socket.send_str('{"protocol":"json","version":1}\x1e')
                assert await socket.receive_str() == "{}\x1e"
                call = {"type": 1, "target": target, "arguments": [], "invocationId": "1"}
                await socket.send_str(json.dumps(call) + "\x1e")
                while True:
                    for frame in (await socket.receive_str()).split("\x1e"):
                        if frame and (completion := json.loads(frame))["type"] == 3:
                            return completion


@pytest.fixture(params=[DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY], ids=["first-key", "second-key"])
async def stack(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stack]:
    """Start a service and an app that holds one of its two keys."""
    emulator = Emulator()
    await emulator.start(port=0)
    settings = {"AzureSignalRConnectionString": connection_string(emulator, request.param)}
    (tmp_path / "function_app.py").write_text(APP, encoding="utf-8")
    (tmp_path / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    content = {"IsEncrypted": False, "Values": settings}
    (tmp_path / "local.settings.json").write_text(json.dumps(content), encoding="utf-8")
    host = FunctionsHost(tmp_path)
    host.bind(port=0)
    await host.start()
    emulator.upstream = [UpstreamRule(f"http://127.0.0.1:{host.port}/api/upstream")]
    async with aiohttp.ClientSession() as session:
        yield Stack(emulator, host, session)
    await emulator.stop()
    await host.stop()


def connection_string(emulator: Emulator, key: str) -> str:
    return emulator.connection_string.replace(DEFAULT_ACCESS_KEY, key)


async def test_events_arrive_with_either_key(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        completion = await stack.call("who")
    assert completion["result"]["user"] == "ann"
    assert "access_token" in completion["result"]["query"]
    said = next(record.getMessage() for record in caplog.records if "who called" in record.getMessage())
    assert "'access_token': '***'" in said
    assert "eyJ" not in caplog.text


async def test_a_role_opens_a_method_and_nothing_else_does(stack: Stack) -> None:
    assert "error" in await stack.call("wipe")
    assert (await stack.call("wipe", role="admin"))["result"] == "wiped"


@pytest.mark.parametrize("headers", [{}, {"X-ASRS-Signature": "sha256=0", "X-ASRS-Connection-Id": "c"}])
async def test_a_stranger_is_answered_401(stack: Stack, headers: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{stack.host.port}/api/upstream"
    async with stack.session.post(url, data=b"[" * 100_000, headers=headers) as response:
        assert (response.status, await response.read()) == (401, b"")
