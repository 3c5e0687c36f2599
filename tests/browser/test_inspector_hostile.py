"""What clients, servers and functions write is text on the inspector's page, and hides nothing."""

import json
import logging
from typing import Any

import pytest
from playwright.async_api import Page, expect

from serverless_signalr import ServiceClient
from tests.browser.stage import Stage

SCRIPT = "<script>document.title = 'pwned'</script><img src=x onerror=\"document.title = 'pwned'\">"
UNSEEN = "ann\u202egnp.exe \u200b\u2066\x1b[31m\x07\ufeff"
SHOWN = r"ann\u202egnp.exe \u200b\u2066\u001b[31m\u0007\ufeff"

_log = logging.getLogger("signalr_local.planted")


async def opened(page: Page) -> None:
    """Open every line and every part of it, one after the other."""
    for row in await page.locator("li.trace button.row").all():
        await row.click()
        await page.locator("details.part").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    await page.locator("details.connection-more").evaluate_all(
        "all => all.forEach((one) => { one.open = true; })"
    )


@pytest.mark.parametrize(("text", "shown"), [(SCRIPT, SCRIPT), (UNSEEN, SHOWN)], ids=["script", "unseen"])
async def test_hostile_text_is_shown_as_it_is(look: Any, stage: Stage, text: str, shown: str) -> None:
    client = await stage.connect(text)
    async with ServiceClient(stage.emulator.connection_string, "chat") as service:
        await service.add_user_to_group(text, user_id=text)
        await service.send_to_group(text, text, {text: text})
        await service.send_to_user(f"{text} of another", text)
    await stage.call(client, "tell", text, text)
    await client.send_str(json.dumps({"type": 1, "target": text, "arguments": [text]}) + "\x1e")
    _log.error("%s", text)
    inspecting = await look(viewport={"width": 1280, "height": 2000})
    page = inspecting.page
    await expect(page.locator("#users .name").first).to_have_text(shown)
    await expect(page.locator("#groups .name").first).to_have_text(shown)
    await expect(inspecting.trace("log", shown)).to_be_visible()
    await opened(page)
    assert await page.title() == "SignalR inspector"
    assert await page.locator("img, main script").count() == 0
    everything = await page.locator("body").evaluate("one => one.innerText")
    assert shown in everything
    assert [sign for sign in "\u202e\u200b\u2066\x1b\x07\ufeff" if sign in everything] == []
    # Names are filters as they are, not as they are shown.
    await page.locator("#users button.pick").first.click()
    await expect(page.locator("li.trace").first).to_be_visible()
    await expect(page.locator("#filter-user")).to_have_value(text.strip())
