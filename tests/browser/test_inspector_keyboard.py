"""The inspector without a mouse: from a planted fault to its reason, and to a call that is made anew."""

from typing import Any

from playwright.async_api import Page, expect

from tests.browser.stage import Stage


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until a control has the focus, as somebody does who sees where it is."""
    for _ in range(120):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(
            "(() => { const one = document.activeElement;"
            " return (one.labels?.[0] ?? one).textContent.trim() || one.id; })()"
        )
        if focused.startswith(name):
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"{name} has the focus, and nobody sees it"
            return
    raise AssertionError(f"Tab leads to no {name}")


async def test_fault_is_found_and_explained_by_keys_alone(look: Any, stage: Stage) -> None:
    ann = await stage.connect("ann")
    await stage.join("ann", "Friends")
    for number in range(3):
        await stage.call(ann, "tell", "Friends", f"fine {number}")
    await stage.call(ann, "tell", "friends", "lost")
    inspecting = await look()
    page = inspecting.page
    await expect(inspecting.trace("case-sensitive")).to_be_visible()
    await page.keyboard.press("/")
    await expect(page.get_by_label("Target").first).to_be_focused()
    await page.keyboard.type("tell")
    await page.keyboard.press("Escape")
    await tab_to(page, "Show everything")
    await page.keyboard.press("j")
    rows = page.locator("li.trace button.row")
    await expect(rows).to_have_count(4)
    await expect(rows.first).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(rows.first).to_have_attribute("aria-expanded", "true")
    await tab_to(page, "Message")
    await page.keyboard.press("Enter")
    await expect(page.locator("details[open] pre").first).to_contain_text("lost")
    await page.keyboard.press("Escape")
    await expect(rows.first).to_have_attribute("aria-expanded", "false")
    await expect(rows.first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(rows.nth(1)).to_be_focused()
    await page.keyboard.press("p")
    await expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("p")


async def test_client_is_played_by_keys_alone(look: Any, stage: Stage) -> None:
    inspecting = await look()
    page = inspecting.page
    await expect(page.get_by_role("button", name="Connect", exact=True)).to_be_enabled()
    await tab_to(page, "Client")
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="Server")).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await tab_to(page, "User id")
    await page.keyboard.type("ann")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("As", exact=True)).to_contain_text("ann in chat")
    await tab_to(page, "Method")
    await page.keyboard.type("tell")
    await tab_to(page, "group")
    await page.keyboard.type("Friends")
    await tab_to(page, "text")
    await page.keyboard.type("hello")
    await page.keyboard.press("Enter")
    await expect(page.locator("#answer")).to_have_text('"WORD"')
