"""The tutorial, followed step by step: files are written as it says, and its page is clicked in a browser."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect
from playwright.async_api import Page as BrowserPage

from tests.docs.pages import ROOT, Page

TUTORIAL = Page("docs/tutorial.md")
BLOCKS = TUTORIAL.blocks
NAMED = [block for block in BLOCKS if block.name is not None]
QUOTES = {
    block.heading: block.text.strip() for block in BLOCKS if block.language == "text" and not block.name
}
CLIENT = ROOT / "web" / "node_modules" / "@microsoft" / "signalr"

PAGE, EVENT, GROUP, ROLE, SCHEDULE, TEST, DEPLOY = range(1, 8)
"""The steps."""

type Follow = Callable[[int], Path]
type Visit = Callable[..., Awaitable[BrowserPage]]


def step_of(heading: str) -> int:
    found = re.match(r"(\d+)\. ", heading)
    return int(found[1]) if found else 0


@pytest.fixture
def follow(tmp_path: Path) -> Follow:
    """Write the files as they are after a step."""

    def write(step: int) -> Path:
        for block in NAMED:
            if step_of(block.heading) <= step:
                block.write(tmp_path)
        settings = tmp_path / "local.settings.json"
        json.loads(settings.read_text(encoding="utf-8"))
        return tmp_path

    return write


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start the browser, without which the steps are not clicked."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None and not os.environ.get("CI"):
        pytest.skip("no browser: make test says how to get one")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


@pytest.fixture
async def visit(browser: Browser, follow: Follow, launch: Any, tmp_path: Path) -> AsyncIterator[Visit]:
    """Open the page that a step ends with. What it loads from the network comes from node_modules."""
    runtime: list[Any] = []
    contexts: list[Any] = []
    expect.set_options(timeout=30_000)

    async def open_page(step: int, query: str) -> BrowserPage:
        if not runtime:
            folder = follow(step)
            environment = {"PYTHONPATH": str(ROOT)}
            options = ("--app", str(folder), "--port", "0", "--emulator-port", "0")
            runtime.append(launch(*options, environment=environment))
            runtime.append(runtime[0].wait_for(r"Open (http://\S+/index)")[1])
        context = await browser.new_context()
        contexts.append(context)
        page = await context.new_page()
        await page.route(
            "https://cdn.jsdelivr.net/npm/@microsoft/signalr@*/**",
            lambda route: route.fulfill(path=CLIENT / "dist" / "browser" / Path(route.request.url).name),
        )
        await page.goto(f"{runtime[1]}?{query}")
        user = re.findall(r"user=(\w+)", query)[0]
        await expect(page.locator("#status")).to_have_text(f"You are {user}.")
        return page

    yield open_page
    for context in contexts:
        await context.close()
    if runtime:
        assert runtime[0].stop() == 0, runtime[0].text


async def ask(page: BrowserPage, question: str) -> None:
    await page.get_by_label("Question").fill(question)
    await page.get_by_role("button", name="Ask").click()


async def whisper(page: BrowserPage, text: str) -> None:
    await page.get_by_label("Whisper").fill(text)
    await page.get_by_role("button", name="Whisper").click()


async def join(page: BrowserPage, row: str) -> None:
    await page.get_by_label("Row").fill(row)
    await page.get_by_role("button", name="Join").click()


async def sees(page: BrowserPage, *questions: str) -> None:
    await expect(page.locator("#questions li")).to_have_text(list(questions))


def test_every_step_ends_with_something_to_click() -> None:
    steps = [
        step for step in re.split(r"^## ", TUTORIAL.text, flags=re.MULTILINE) if re.match(r"\d+\. ", step)
    ]
    assert [step_of(step) for step in steps] == list(range(PAGE, DEPLOY + 1))
    assert [step[:20] for step in steps if "**Click:**" not in step] == []


def test_client_is_the_version_that_is_tested() -> None:
    version = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))["version"]
    assert re.findall(r"@microsoft/signalr@([\d.]+)/", TUTORIAL.text) == [version]


async def test_page_connects(visit: Visit) -> None:
    await visit(PAGE, "user=ann")


async def test_question_appears_in_both_windows(visit: Visit) -> None:
    ann, bob = await visit(EVENT, "user=ann"), await visit(EVENT, "user=bob")
    await ask(ann, "Why?")
    await sees(ann, "ann: Why?")
    await sees(bob, "ann: Why?")


async def test_edit_is_live_without_a_reload_of_the_page(visit: Visit, tmp_path: Path) -> None:
    ann = await visit(EVENT, "user=ann")
    app = tmp_path / "function_app.py"
    old, new = re.findall(r'`("text": question\S*)`', TUTORIAL.text)
    source = app.read_text(encoding="utf-8")
    assert source.count(old) == 1
    app.write_text(source.replace(old, new), encoding="utf-8")
    count = 0
    while True:
        await ask(ann, "Why?")
        count += 1
        await expect(ann.locator("#questions li")).to_have_count(count)
        if await ann.locator("#questions li").last.text_content() == "ann: WHY?":
            break


async def test_wrong_call_is_explained_in_the_console(visit: Visit) -> None:
    ann = await visit(EVENT, "user=ann")
    told = await ann.evaluate('connection.invoke("ask").catch((error) => error.message)')
    assert QUOTES["2. An event"] in told


async def test_whisper_reaches_the_members_of_the_row(visit: Visit) -> None:
    ann, bob = await visit(GROUP, "user=ann"), await visit(GROUP, "user=bob")
    await join(ann, "front")
    await sees(ann, "front: ann is here")
    await whisper(ann, "psst")
    await sees(ann, "front: ann is here", "ann in front: psst")
    await join(bob, "front")
    await sees(bob, "front: bob is here")
    await whisper(ann, "again")
    await sees(bob, "front: bob is here", "ann in front: again")


async def test_only_the_speaker_clears(visit: Visit) -> None:
    ann, grace = await visit(ROLE, "user=ann"), await visit(ROLE, "user=grace&role=speaker")
    await ask(ann, "Why?")
    await sees(grace, "ann: Why?")
    await ann.get_by_role("button", name="Clear").click()
    await expect(ann.locator("#status")).to_contain_text(QUOTES["4. A role"])
    await grace.get_by_role("button", name="Clear").click()
    await sees(ann)
    await sees(grace)


async def test_time_changes_without_a_click(visit: Visit) -> None:
    ann = await visit(SCHEDULE, "user=ann")
    await expect(ann.locator("#time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))


async def test_schedule_is_run_by_hand(visit: Visit) -> None:
    ann = await visit(SCHEDULE, "user=ann")
    [line] = [code for code in TUTORIAL.code if code.startswith("curl ")]
    arguments = re.findall(r'"([^"]*)"|(\S+)', line)
    command = ["".join(part) for part in arguments]
    assert command[-1].startswith("http://localhost:7071/")
    host = ann.url.partition("/api/")[0]
    command[-1] = command[-1].replace("http://localhost:7071", host)
    done = await asyncio.create_subprocess_exec(*command, "--fail", "--silent", "--show-error")
    assert await done.wait() == 0
    await expect(ann.locator("#time")).not_to_have_text("not known yet")


def test_tests_pass(follow: Follow) -> None:
    folder = follow(TEST)
    [line] = [
        line for block in BLOCKS for line in block.text.splitlines() if line.startswith(".venv/bin/pytest ")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *line.split()[1:], "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_wheel_of_the_requirements_is_the_one_that_is_built(follow: Follow) -> None:
    folder = follow(DEPLOY)
    [line] = (folder / "requirements.txt").read_text(encoding="utf-8").split()
    version = re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    assert line == f"./wheels/serverless_signalr-{version}-py3-none-any.whl"
    assert (folder / ".funcignore").read_text(encoding="utf-8").split() == [
        ".venv",
        "local.settings.json",
        "test_*.py",
    ]
