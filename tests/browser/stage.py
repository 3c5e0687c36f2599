"""The inspector's page in front of an emulator with an app behind it, and somebody who uses it."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

from serverless_signalr import ServiceClient
from serverless_signalr._rest.tokens import sign_client_token
from signalr_local.emulator import Emulator, Tier, UpstreamRule
from signalr_local.host.host import FunctionsHost
from signalr_local.host.options import HostOptions
from signalr_local.inspector.app import AppSecrets, described
from signalr_local.inspector.endpoint import Inspector
from signalr_local.inspector.host_events import HostEvents
from signalr_local.inspector.journal import Journal
from tests.conftest import ROOT

__all__ = ["APP", "OTHER_KEY", "PLANTED", "Inspecting", "Stage", "look", "stage"]

APP = """
import azure.functions as func
from serverless_signalr import FunctionApp, ServerlessHub, SignalRMessage

app = FunctionApp()

class Chat(ServerlessHub, hub="chat"):
    async def tell(self, group: str, text: str, loud: bool = False) -> str:
        await self.clients.group(group).send("told", text)
        return "WORD"

    async def fail(self) -> None:
        raise LookupError("my own mistake")

app.register_functions(Chat().blueprint)

@app.route("items/{id}", methods=["GET"])
def item(req: func.HttpRequest) -> str:
    return "item"

@app.route("items/{name}", methods=["GET"])
def later(req: func.HttpRequest) -> str:
    return "never"

@app.route("announce", methods=["POST"])
@app.signalr_output("$return", hub="news")
def announce(req: func.HttpRequest) -> SignalRMessage:
    return SignalRMessage(target="told", arguments=["news"])
"""

OTHER_KEY = "another-key-that-the-app-does-not-know-of"
PLANTED = "planted-in-the-settings"


@dataclass
class Stage:
    """An emulator with an inspector, and an app behind it."""

    emulator: Emulator
    host: FunctionsHost
    inspector: Inspector
    session: aiohttp.ClientSession
    folder: Path
    sockets: list[aiohttp.ClientWebSocketResponse] = field(default_factory=list)

    def token(self, user: str, hub: str = "chat") -> str:
        return sign_client_token(self.emulator.endpoint, hub, user_id=user, lifetime=timedelta(hours=1))

    async def connect(self, user: str) -> aiohttp.ClientWebSocketResponse:
        url = f"http://localhost:{self.emulator.port}/client/?hub=chat"
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        socket = await self.session.ws_connect(url, headers=headers, max_msg_size=0)
        await socket.send_str('{"protocol":"json","version":1}\x1e')
        assert await socket.receive_str() == "{}\x1e"
        self.sockets.append(socket)
        return socket

    async def negotiate(self, token: str) -> int:
        url = f"http://localhost:{self.emulator.port}/client/negotiate?hub=chat&negotiateVersion=1"
        async with self.session.post(url, headers={"Authorization": f"Bearer {token}"}) as response:
            return response.status

    async def call(self, socket: aiohttp.ClientWebSocketResponse, target: str, *arguments: object) -> None:
        message = {"type": 1, "invocationId": target, "target": target, "arguments": arguments}
        await socket.send_str(json.dumps(message) + "\x1e")
        while f'"invocationId":"{target}"' not in await socket.receive_str():
            pass

    async def join(self, user: str, group: str) -> None:
        async with ServiceClient(self.emulator.connection_string, "chat") as client:
            await client.add_user_to_group(group, user_id=user)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "serverless_signalr").symlink_to(ROOT / "serverless_signalr")
    settings = {"IsEncrypted": False, "Values": {"MyKey": PLANTED}}
    (tmp_path / "local.settings.json").write_text(json.dumps(settings))
    logger, journal = logging.getLogger("signalr_local"), Journal()
    handler, level = HostEvents(journal), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    emulator = Emulator(tier=Tier(8, None), send_buffer=1024)
    host = FunctionsHost(
        tmp_path,
        adjust=lambda values: {**values, "AzureSignalRConnectionString": emulator.connection_string},
        options=HostOptions(on_loaded=handler.loaded),
    )
    secrets = AppSecrets()
    inspector = Inspector(
        emulator,
        journal,
        app=lambda: described(host.instance),
        known=lambda: secrets.of(host.instance),
    )
    try:
        host.bind(port=0)
        await emulator.start(port=0)
        await host.start()
        emulator.upstream = [
            UpstreamRule(f"http://127.0.0.1:{host.port}/runtime/webhooks/signalr?code=planted-code")
        ]
        async with aiohttp.ClientSession() as session:
            stage = Stage(emulator, host, inspector, session, tmp_path)
            yield stage
            for socket in stage.sockets:
                await socket.close()
    finally:
        await inspector.stop()
        await emulator.stop()
        await host.stop()
        logger.removeHandler(handler)
        logger.setLevel(level)


class Inspecting:
    """Use the page, and count the clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        # What the runtime refuses is shown on the page; browsers log it, too.
        if message.type == "error" and "400 (Bad Request)" not in message.text:
            self.errors.append(message.text)

    def trace(self, *texts: str) -> Locator:
        found = self.page.locator("li.trace")
        for text in texts:
            found = found.filter(has_text=text)
        return found.first

    async def explains(self, reason: str, *texts: str, step: str) -> None:
        """See that a trace says why it failed, and which of its steps did, in three clicks at most."""
        self.clicks = 0
        trace = self.trace(reason, *texts)
        await expect(trace).to_be_visible()
        await self.click(trace.locator("button.row"))
        await expect(trace.locator(".hop[data-bad], .hop .warning").first).to_be_visible()
        await expect(trace.locator(".hop").filter(has_text=step).first).to_be_visible()
        assert self.clicks <= 3

    async def click(self, what: Locator) -> None:
        self.clicks += 1
        await what.click()


@pytest.fixture
async def look(browser: Browser, stage: Stage) -> AsyncIterator[Any]:
    opened: list[Inspecting] = []

    async def open_page(**options: Any) -> Inspecting:
        context = await browser.new_context(locale="en-US", **options)
        context.set_default_timeout(30_000)
        inspecting = Inspecting(await context.new_page())
        opened.append(inspecting)
        await inspecting.page.goto(stage.inspector.url)
        await expect(inspecting.page.get_by_role("status").first).to_have_text("live")
        return inspecting

    expect.set_options(timeout=30_000)
    yield open_page
    for inspecting in opened:
        await inspecting.page.context.close()
    assert [error for inspecting in opened for error in inspecting.errors] == []
