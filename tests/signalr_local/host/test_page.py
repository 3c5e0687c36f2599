"""The app's page: built again when its sources change."""

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from signalr_local.host.page import PageBuilder

BUILD = """
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
const source = readFileSync("src/page.ts", "utf8");
if (source.includes("broken")) throw new Error("the source is broken");
mkdirSync("dist", { recursive: true });
writeFileSync("dist/index.html", source);
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return the folder of an app with a page whose build copies its source."""
    web = tmp_path / "web"
    for name in ("src", "node_modules"):
        (web / name).mkdir(parents=True)
    (web / "package.json").write_text(json.dumps({"type": "module", "scripts": {"build": "node build.mjs"}}))
    (web / "build.mjs").write_text(BUILD)
    (web / "src" / "page.ts").write_text("one")
    return tmp_path


@pytest_asyncio.fixture
async def builder(app: Path) -> AsyncIterator[PageBuilder]:
    builder = PageBuilder(app)
    builder.start()
    yield builder
    await builder.stop()


async def edit(app: Path, log: Any, text: str, pattern: str) -> None:
    (app / "web" / "src" / "page.ts").write_text(text)
    await log.wait_for(pattern)


async def test_a_page_is_built_again_when_its_source_changes(
    app: Path, builder: PageBuilder, log: Any
) -> None:
    built = app / "web" / "dist" / "index.html"
    await noticed(app, log)
    await edit(app, log, "two", "The page is built again")
    assert built.read_text() == "two"


async def test_a_page_that_cannot_be_built_says_why_and_comes_back(
    app: Path, builder: PageBuilder, log: Any
) -> None:
    await noticed(app, log)
    await edit(app, log, "broken", "could not be built")
    assert "the source is broken" in log.text
    await edit(app, log, "well", "The page is built again")
    assert (app / "web" / "dist" / "index.html").read_text() == "well"


async def noticed(app: Path, log: Any) -> None:
    """Change a source until a build says that it was noticed."""
    for number in itertools.count():
        (app / "web" / "src" / "other.ts").write_text(str(number))
        try:
            async with asyncio.timeout(2):
                await log.wait_for("The page is built again")
        except TimeoutError:
            continue
        return


@pytest.mark.parametrize("missing", ["node_modules", "src", "package.json", "build"])
async def test_without_what_it_takes_nothing_is_watched(app: Path, missing: str) -> None:
    if missing == "build":
        (app / "web" / "package.json").write_text('{"scripts": {}}')
    elif missing == "package.json":
        (app / "web" / missing).unlink()
    else:
        shutil.rmtree(app / "web" / missing)
    assert not PageBuilder(app).can_build


async def test_without_npm_nothing_is_watched(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not PageBuilder(app).can_build
