"""From an empty folder to what is deployed, as README.md of a new app says, with the time of each step."""

import asyncio
import json
import re
import shutil
import time
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.new_apps import EMULATOR, STYLES, copy_deployed, make, run

PATIENCE = 60_000
PAGE = "page/index.html"


class Steps:
    """The steps of a newcomer, and how long each took here, with nobody who reads or types."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began

    def __str__(self) -> str:
        lines = [f"{seconds:6.1f} s  {name}" for name, seconds in self.seconds.items()]
        return "\n".join([*lines, f"{sum(self.seconds.values()):6.1f} s  in all"])


def samples(app: Path) -> dict[str, str]:
    """Return what README.md adds for a new event, by language; the test is the second of Python."""
    section = (app / "README.md").read_text(encoding="utf-8").partition("A new event takes three steps.")[2]
    found = re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)
    (_, code), (_, html), (_, script), (_, test), *_ = found
    assert [language for language, _ in found[:4]] == ["python", "html", "js", "python"]
    return {"code": code, "html": html, "script": script, "test": test}


def edit(path: Path, before: str, added: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, before
    path.write_text(text.replace(before, added + before), encoding="utf-8")


def add_event(app: Path, style: str) -> None:
    """Add the event of README.md to the app, and to its page."""
    sample = samples(app)
    if style == "functions":
        path = app / "blueprints" / "events.py"
        path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{sample['code']}", encoding="utf-8")
    else:
        interface, _, methods = sample["code"].partition("\n\n\n")
        edit(app / "hub.py", "\n\nclass Hub(", interface.partition("\n")[2] + "\n")
        edit(app / "hub.py", "\n\n# With the setting", f"\n{methods.partition('\n')[2]}")
    page = app / PAGE
    send = "      <button>Send</button>\n"
    page.write_text(page.read_text(encoding="utf-8").replace(send, send + sample["html"]), encoding="utf-8")
    edit(page, '      status("Connecting…");\n', sample["script"])


async def join(page: Page, url: str, user: str) -> None:
    page.set_default_timeout(PATIENCE)
    await page.goto(url)
    await page.get_by_label("Your name").fill(user)
    await page.get_by_role("button", name="Join").click()
    await expect(page.get_by_role("status")).to_have_text("Connected", timeout=PATIENCE)


async def chat(browser: Browser, url: str, *, reacts: bool) -> None:
    """Open two windows, and say something in one, or react."""
    ann, bob = [await (await browser.new_context()).new_page() for _ in range(2)]
    await join(ann, url, "ann")
    await join(bob, url, "bob")
    if reacts:
        await ann.get_by_role("button", name="👍").click()
        await expect(bob.get_by_role("log")).to_contain_text("ann 👍", timeout=PATIENCE)
    else:
        await ann.get_by_label("Message", exact=True).fill("hello")
        await ann.get_by_role("button", name="Send").click()
        await expect(bob.get_by_role("log")).to_contain_text("ann: hello", timeout=PATIENCE)
    for page in (ann, bob):
        await page.context.close()


def zip_and_unzip(folder: Path, unzipped: Path) -> None:
    """Pass a folder through a zip, as a deployment does."""
    archive = Path(shutil.make_archive(str(folder), "zip", folder))
    with zipfile.ZipFile(archive) as file:
        file.extractall(unzipped)


@pytest.mark.parametrize("style", STYLES)
async def test_from_an_empty_folder_to_what_is_deployed(
    style: str,
    launch: Any,
    browser: Browser,
    new_environment: Path,
    deployed_packages: Path,
    tmp_path: Path,
    record_property: Any,
) -> None:
    steps, free = Steps(), ("--port", "0", "--emulator-port", "0")
    with steps.step("new"):
        app = await asyncio.to_thread(make, tmp_path / "my-chat", "--style", style, python=new_environment)
    with steps.step("run"):
        process = launch(*free, python=new_environment, folder=app)
        url = (await asyncio.to_thread(process.wait_for, r"Open (http://\S+/index)"))[1]
    with steps.step("two windows chat"):
        await chat(browser, url, reacts=False)
    with steps.step("an event is added and clicked"):
        add_event(app, style)
        await asyncio.to_thread(process.wait_for, "loaded again")
        await chat(browser, url, reacts=True)
    assert process.stop() == 0, process.text
    with steps.step("its test"):
        [tests] = app.glob("tests/test_[eh]*.py")
        tests.write_text(f"{tests.read_text(encoding='utf-8')}\n\n{samples(app)['test']}", encoding="utf-8")
        printed = await asyncio.to_thread(run, new_environment, "-m", "pytest", "-q", folder=app)
        assert "8 passed" in printed
        await asyncio.to_thread(run, new_environment, "-m", "ruff", "check", folder=app)
    with steps.step("package, and run from it"):
        folder = await asyncio.to_thread(copy_deployed, app, deployed_packages, tmp_path / "package")
        await asyncio.to_thread(zip_and_unzip, folder, tmp_path / "unzipped")
        values = {"AzureSignalRConnectionString": EMULATOR, "UPSTREAM_ROUTE": "upstream"}
        settings = tmp_path / "unzipped" / "local.settings.json"
        settings.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
        await asyncio.to_thread(venv.create, tmp_path / "bare")
        options = ("--python", str(tmp_path / "bare"), "--upstream", "/api/upstream")
        process = launch("--app", str(tmp_path / "unzipped"), *options, *free)
        url = (await asyncio.to_thread(process.wait_for, r"Open (http://\S+/index)"))[1]
        await chat(browser, url, reacts=True)
    assert process.stop() == 0, process.text
    record_property("steps", str(steps))
    print(steps)
