"""The filters of the inspector's timeline, each by what it is typed into and by a click on who is there."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from serverless_signalr import ServiceClient
from tests.browser.stage import Inspecting, Stage


@pytest.fixture
async def inspecting(look: Any, stage: Stage) -> Inspecting:
    """Show calls of two users, one of whom is in a group, and messages of a server."""
    opened: Inspecting = await look()
    ann, bob = await stage.connect("ann"), await stage.connect("bob")
    await stage.join("ann", "Friends")
    await stage.call(ann, "tell", "Friends", "from ann")
    await stage.call(bob, "fail")
    async with ServiceClient(stage.emulator.connection_string, "other") as client:
        await client.send_to_all("heard", "elsewhere")
    await expect(opened.trace("server", "heard")).to_be_visible()
    await expect(opened.trace("bob", "fail")).to_contain_text("LookupError")
    return opened


async def titles(page: Page) -> set[str]:
    """Return who did what in the lines that are shown."""
    return set(
        await page.locator("li.trace .title").evaluate_all(
            "all => all.map((one) => [...one.querySelectorAll('.who, .what')]"
            ".map((part) => part.textContent.trim()).join(' '))"
        )
    )


ALL = {
    "ann connected",
    "bob connected",
    "server add user ann to group Friends",
    "ann tell",
    "bob fail",
    "server heard to everyone",
}


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        ("User", "ANN", {"ann connected", "ann tell", "server add user ann to group Friends"}),
        ("User", "bob", {"bob connected", "bob fail"}),
        ("Group", "Friends", {"ann tell", "server add user ann to group Friends"}),
        ("Target", "tell", {"ann tell"}),
        ("Target", "told", {"ann tell"}),
        ("Target", "heard", {"server heard to everyone"}),
        ("Target", "chat_fail", {"bob fail"}),
        ("User", "nobody of this name", set()),
    ],
)
async def test_only_what_concerns_it_is_shown(
    inspecting: Inspecting, label: str, text: str, expected: set[str]
) -> None:
    page = inspecting.page
    assert await titles(page) >= ALL
    await page.get_by_role("region", name="Timeline").get_by_label(label, exact=True).fill(text)
    assert await titles(page) == expected
    await expect(page.get_by_text("Nothing here passes the filters.")).to_be_visible(visible=not expected)
    await page.get_by_role("button", name="Show everything").click()
    assert await titles(page) >= ALL


async def test_connection_is_found_by_its_id(inspecting: Inspecting, stage: Stage) -> None:
    page = inspecting.page
    [hub] = [hub for hub in stage.emulator.hubs if hub.name == "chat"]
    [ann] = [id for id, one in hub.connections.items() if one.user_id == "ann"]
    await page.get_by_role("region", name="Timeline").get_by_label("Connection", exact=True).fill(ann)
    assert await titles(page) == {"ann connected", "ann tell"}


async def test_hub_and_outcome_are_chosen(inspecting: Inspecting) -> None:
    page = inspecting.page
    timeline = page.get_by_role("region", name="Timeline")
    await timeline.get_by_label("Hub").select_option("other")
    assert await titles(page) == {"server heard to everyone"}
    await timeline.get_by_label("Hub").select_option("chat")
    await timeline.get_by_label("Outcome").select_option("failed")
    assert await titles(page) == {"bob fail"}
    await page.reload()
    await expect(inspecting.trace("bob", "fail")).to_be_visible()
    assert await titles(page) == {"bob fail"}


async def test_click_on_who_is_there_is_a_filter_and_a_second_one_ends_it(inspecting: Inspecting) -> None:
    page = inspecting.page
    who = page.get_by_role("navigation", name="Who is there")
    for name, expected in (
        ("Friends 1 connection", {"ann tell", "server add user ann to group Friends"}),
        ("bob 1 connection", {"bob connected", "bob fail"}),
    ):
        button = who.get_by_role("button", name=name, exact=True)
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")
        assert await titles(page) == expected
        await button.click()
        assert await titles(page) >= ALL
