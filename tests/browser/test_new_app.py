"""The page of a new app in a real browser, run by what the app's requirements install."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.async_api import Browser, Page, expect

from tests.new_apps import make

PATIENCE = 30_000


@pytest.fixture(scope="module")
def running(launch: Any, new_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run a new app, whose page is that of both styles; return it, its process and its page's address."""
    folder = make(tmp_path_factory.mktemp("running") / "my-chat")
    process = launch("--port", "0", "--emulator-port", "0", python=new_environment, folder=folder)
    url = process.wait_for(r"Open (http://\S+/index)")[1]
    yield folder, process, url
    assert process.stop() == 0, process.text


@pytest.fixture
async def windows(browser: Browser, running: Any) -> AsyncIterator[list[Page]]:
    """Open the page twice, as Ann and as Bob; fail if a script fails."""
    contexts = [await browser.new_context() for _ in range(2)]
    pages = [await context.new_page() for context in contexts]
    errors: list[str] = []
    for page, user in zip(pages, ("ann", "bob"), strict=True):
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(running[2])
        await page.get_by_label("Your name").fill(user)
        await page.get_by_role("button", name="Join").click()
        await expect(page.get_by_role("status")).to_have_text("Connected", timeout=PATIENCE)
    yield pages
    for context in contexts:
        await context.close()
    assert errors == []


async def says(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.get_by_role("button", name="Send").click()


async def test_two_windows_chat(windows: list[Page]) -> None:
    ann, bob = windows
    await expect(ann.get_by_role("log")).to_contain_text("bob has joined", timeout=PATIENCE)
    await says(ann, "hello <b>bob</b>")
    await expect(bob.get_by_role("log")).to_contain_text("ann: hello <b>bob</b>", timeout=PATIENCE)
    await says(bob, "hello ann")
    await expect(ann.get_by_role("log")).to_contain_text("bob: hello ann", timeout=PATIENCE)
    await expect(bob.get_by_label("Message", exact=True)).to_have_value("")
    await bob.close()
    await expect(ann.get_by_role("log")).to_contain_text("bob has left", timeout=PATIENCE)


async def test_windows_stay_connected_when_the_app_changes(windows: list[Page], running: Any) -> None:
    folder, process, _ = running
    ann, bob = windows
    events = folder / "blueprints" / "events.py"
    code = events.read_text()
    changed = code.replace('"text": text}', '"text": text + "!"}')
    assert changed != code
    await asyncio.to_thread(events.write_text, changed)
    await asyncio.to_thread(process.wait_for, "loaded again")
    await says(ann, "louder")
    await expect(bob.get_by_role("log")).to_contain_text("ann: louder!", timeout=PATIENCE)
    await expect(bob.get_by_role("status")).to_have_text("Connected")


async def test_message_that_is_not_sent_stays_and_the_reason_is_shown(
    windows: list[Page], running: Any
) -> None:
    ann, _ = windows
    await ann.evaluate("document.getElementById('text').value = 'x'.repeat(1100000)")
    await ann.get_by_role("button", name="Send").click()
    await expect(ann.get_by_role("alert")).to_contain_text("Your message was not sent", timeout=PATIENCE)


async def test_it_can_be_used_by_everybody(windows: list[Page], looks: Any) -> None:
    ann, bob = windows
    await says(bob, "a longer message, which has to wrap somewhere on a narrow screen " * 2)
    await expect(ann.get_by_role("log")).to_contain_text("narrow screen", timeout=PATIENCE)
    for width in (1280, 320):
        await ann.set_viewport_size({"width": width, "height": 700})
        for scheme in ("light", "dark"):
            await ann.emulate_media(color_scheme=cast("Any", scheme))
            await looks.check(ann, f"new-app-{width}-{scheme}")
    assert await looks.small_targets(ann) == []
