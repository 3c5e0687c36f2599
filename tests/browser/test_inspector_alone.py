"""The inspector of an emulator whose app is elsewhere, and a page that outlives its runtime."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import free_port

INSPECTOR = r"Inspector: (http://localhost:\d+/_inspect\?token=\S+)"


@asynccontextmanager
async def opened(browser: Browser, url: str) -> AsyncIterator[Page]:
    """Open a page and see that no script of it fails."""
    expect.set_options(timeout=30_000)
    context = await browser.new_context(locale="en-US")
    errors: list[str] = []
    page = await context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(url)
    await expect(page.get_by_role("status").first).to_have_text("live")
    yield page
    await context.close()
    assert errors == []


async def test_client_connects_to_a_hub_by_name_before_any_came(
    browser: Browser, launch: Callable[..., Any]
) -> None:
    emulator = launch("emulator", "--emulator-port", "0")
    url = emulator.wait_for(INSPECTOR)[1]
    async with opened(browser, url) as page:
        panel = page.get_by_role("tabpanel", name="Client")
        await panel.get_by_label("Name of the hub").fill("no hub!")
        await panel.get_by_role("button", name="Connect", exact=True).click()
        await expect(panel.get_by_role("alert")).to_contain_text("Invalid hub name")
        await panel.get_by_label("Name of the hub").fill("Chat")
        await panel.get_by_label("User id").fill("ann")
        await panel.get_by_role("button", name="Connect", exact=True).click()
        await expect(panel.get_by_label("As", exact=True)).to_contain_text("ann in chat")
        # Now the hub is known, and its name need not be typed again.
        await expect(panel.get_by_label("Hub", exact=True)).to_have_value("chat")
        await page.get_by_role("tab", name="Server").click()
        server = page.get_by_role("tabpanel", name="Server")
        await expect(server.get_by_label("Hub", exact=True)).to_have_value("chat")
        await server.get_by_label("Target").fill("told")
        await server.get_by_role("button", name="Send", exact=True).click()
        await expect(page.locator("li.trace").filter(has_text="told to everyone")).to_contain_text(
            "reached 1"
        )
        await server.get_by_label("Hub", exact=True).select_option("another one…")
        await server.get_by_label("Name of the hub").fill("chta")
        await server.get_by_role("button", name="Send", exact=True).click()
        await expect(page.locator("li.trace").filter(has_text="hub 'chta'")).to_contain_text("reached 0")
    assert emulator.stop() == 0


async def test_hubs_of_upstream_rules_are_offered(
    browser: Browser, launch: Callable[..., Any], tmp_path: Path
) -> None:
    rule = {"UrlTemplate": "http://127.0.0.1:1/", "HubPattern": "news, *, chat"}
    settings = {"UpstreamSettings": {"Templates": [rule]}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    emulator = launch("emulator", "--emulator-port", "0", "--config", str(tmp_path))
    url = emulator.wait_for(INSPECTOR)[1]
    async with opened(browser, url) as page:
        hub = page.get_by_role("tabpanel", name="Client").get_by_label("Hub", exact=True)
        await expect(hub.locator("option")).to_have_text(["chat", "news", "another one…"])
        await expect(hub).to_have_value("chat")
    assert emulator.stop() == 0


async def test_page_tells_that_its_runtime_is_gone_and_that_another_has_begun(
    browser: Browser, launch: Callable[..., Any]
) -> None:
    port = str(free_port())
    emulator = launch("emulator", "--emulator-port", port)
    url = emulator.wait_for(INSPECTOR)[1]
    async with opened(browser, url) as page:
        status = page.get_by_role("status").first
        await page.get_by_label("Name of the hub").first.fill("chat")
        await page.get_by_role("button", name="Connect", exact=True).click()
        connected = page.locator("li.trace").filter(has_text="connected").first
        await expect(connected).to_be_visible()
        assert emulator.stop() == 0
        await expect(status).to_have_text("the runtime is gone; it is looked for again")
        # What happened can still be read.
        await connected.locator("button.row").click()
        await expect(connected.locator(".hop").first).to_be_visible()
        await page.get_by_role("button", name="Connect", exact=True).click()
        await expect(page.locator("#connect-error")).to_have_text("The runtime does not answer.")
        again = launch("emulator", "--emulator-port", port)
        renewed = again.wait_for(INSPECTOR)[1]
        assert renewed != url
        await expect(status).to_have_text("the runtime was started anew: open the address that it printed")
        await page.goto(renewed)
        await expect(status).to_have_text("live")
        await expect(page.locator("li.trace")).to_have_count(0)
    assert again.stop() == 0
