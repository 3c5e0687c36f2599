"""Microsoft's client on a page of another origin, in a browser, over each transport of the emulator."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page

from serverless_signalr import ServiceClient
from serverless_signalr._rest.tokens import sign_client_token
from signalr_local.emulator import Emulator

MODULES = Path(__file__).parents[2] / "web" / "node_modules" / "@microsoft"
SCRIPTS = [
    MODULES / "signalr" / "dist" / "browser" / "signalr.js",
    MODULES / "signalr-protocol-msgpack" / "dist" / "browser" / "signalr-protocol-msgpack.js",
]
CONNECT = """async ([url, token, transport, protocol]) => {
  const builder = new signalR.HubConnectionBuilder().configureLogging(signalR.LogLevel.None).withUrl(url, {
    transport: signalR.HttpTransportType[transport],
    accessTokenFactory: () => token,
  });
  if (protocol === "messagepack") {
    builder.withHubProtocol(new signalR.protocols.msgpack.MessagePackHubProtocol());
  }
  window.connection = builder.build();
  window.received = new Promise((resolve) => connection.on("m", resolve));
  await connection.start();
  return connection.invoke("echo").catch((error) => error.message);
}"""


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    emulator = Emulator()
    await emulator.start(port=0)
    yield emulator
    await emulator.stop()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open a page with the client, whose origin is not that of the emulator."""

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text="<!doctype html>", content_type="text/html")

    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    page = await browser.new_page()
    await page.goto(f"http://localhost:{runner.addresses[0][1]}/")
    for script in SCRIPTS:
        await page.add_script_tag(path=script)
    yield page
    await page.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("transport", "protocol"),
    [
        ("WebSockets", "json"),
        ("ServerSentEvents", "json"),
        ("LongPolling", "json"),
        ("WebSockets", "messagepack"),
        ("LongPolling", "messagepack"),
    ],
)
async def test_a_page_of_another_origin_connects_is_answered_and_receives(
    page: Page, emulator: Emulator, transport: str, protocol: str
) -> None:
    url = emulator.endpoint.client_hub_url("chat")
    token = sign_client_token(emulator.endpoint, "chat")
    answer = await page.evaluate(CONNECT, [url, token, transport, protocol])
    assert "no upstream is set for event 'echo' of hub 'chat'" in answer
    (connection,) = emulator.connections
    assert (connection.transport.name, connection.protocol.name) == (transport, protocol)
    async with ServiceClient(emulator.connection_string, "chat") as service:
        await service.send_to_all("m", "ü")
    assert await page.evaluate("received") == "ü"
    await page.evaluate("connection.stop()")
