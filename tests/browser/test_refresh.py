"""The page of the chat stays signed in: with an app that tells it how long its token lives."""

import asyncio
from datetime import timedelta
from pathlib import Path

import azure.functions as func
from playwright.async_api import Browser, expect

from serverless_signalr import ServerlessHub
from signalr_local.testing import SignalRTest

PAGE = Path(__file__).parents[2] / "web" / "dist" / "index.html"
PATIENCE = 60.0


class Chat(ServerlessHub, hub="chat"):
    async def people(self) -> list[object]:
        return []


async def test_page_refreshes_its_connection_and_keeps_it(browser: Browser) -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def user(req: func.HttpRequest) -> str:
        asked.put_nowait(req.url.partition("?")[0].rpartition("/")[2])
        return str(req.params["user"])

    chat = Chat()
    # On a slow machine the token may have expired before: the connection is still there.
    chat.add_negotiate(user=user, refresh=True, lifetime=timedelta(seconds=4), close_on_expiry=False)

    @chat.blueprint.route(route="index", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def index(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(PAGE.read_text(encoding="utf-8"), mimetype="text/html")

    async with SignalRTest(chat) as env:
        page = await browser.new_page()
        page.set_default_timeout(30_000)
        await page.goto(f"{env.host_url}/api/index")
        await page.get_by_label("Your name").fill("ann")
        await page.get_by_role("button", name="Join", exact=True).click()
        await expect(page.get_by_role("status")).to_have_attribute("data-state", "connected", timeout=30_000)
        [connection] = env.emulator.connections
        found = [await asyncio.wait_for(asked.get(), PATIENCE) for _ in range(3)]
        assert found == ["negotiate", "refresh", "refresh"]
        assert env.emulator.connections == [connection]
        assert connection.user_id == "ann"
        await page.close()
