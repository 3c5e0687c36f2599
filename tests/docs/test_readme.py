"""README.md does what its first screen says: the samples run, and calls are answered as the text claims."""

import asyncio
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS, ROOT, Page

README = Page("README.md")
FUNCTIONS = [block for block in README.blocks if block.name == "function_app.py"]
[HUB] = [block for block in README.blocks if block.name == "chat.py"]

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the files of the first sample, the schedule included."""
    folder = tmp_path_factory.mktemp("functions")
    for block in FUNCTIONS:
        block.write(folder)
    return {"function_app.py": (folder / "function_app.py").read_text(encoding="utf-8")}


@in_one_loop
async def test_group_gets_what_is_sent_to_it(start_app: Any, functions: dict[str, str]) -> None:
    app = await start_app(functions)
    ann, bob = await app.connect(), await app.connect()
    await ann.invoke("joinGroup", "friends")
    await bob.invoke("sendToGroup", "friends", "hello")
    assert await ann.next() == ("newMessage", [{"groupName": "friends", "text": "hello"}])
    told = await bob.refusal("sendToGroup", "friends")
    assert told in README.code


@in_one_loop
async def test_schedule_is_fired_by_hand(start_app: Any, functions: dict[str, str]) -> None:
    app = await start_app(functions)
    ann = await app.connect()
    [command] = [code for code in README.code if code.startswith("curl ")]
    words = shlex.split(command)
    words[-1] = words[-1].replace("http://localhost:7071", app.api.removesuffix("/api"))
    done = await asyncio.create_subprocess_exec(*words, "--fail", "--silent", "--show-error")
    assert await done.wait() == 0
    target, [message] = await ann.next()
    assert target == "newMessage"
    assert re.fullmatch(r"It is \d\d:\d\d UTC\.", message["text"])


@in_one_loop
async def test_hub_class_checks_roles(start_app: Any) -> None:
    app = await start_app({"function_app.py": HUB.text})
    ann, moderator = await app.connect("user=ann"), await app.connect("user=joy&role=moderator")
    assert await ann.refusal("closeGroup", "x") == (
        "closeGroup is not allowed: it requires the role moderator."
    )
    await moderator.invoke("closeGroup", "x")


def test_first_screen_names_what_a_newcomer_needs() -> None:
    first, _, _ = README.text.partition("## Write functions")
    assert len(re.findall(r"^- \*\*", first, re.MULTILINE)) == 7
    wanted = [
        "git clone",
        "make run",
        "make test",
        'pip install "serverless-signalr[local]"',
        "signalr-local",
    ]
    assert [command for command in wanted if command not in first] == []


def test_versions_are_those_of_the_project() -> None:
    wanted = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    library, runtime = (
        re.findall(r'requires-python = ">=([\d.]+)"', (ROOT / path).read_text(encoding="utf-8"))[0]
        for path in ("pyproject.toml", "signalr_local/pyproject.toml")
    )
    assert f"Python {wanted}" in README.text
    assert f"Python {library} and newer" in README.text
    assert f"Python {runtime} and newer" in README.text


def test_every_picture_is_shown() -> None:
    pages = (README, *(Page(f"docs/{path.name}") for path in DOCS.glob("*.md")))
    shown = {Path(link).name for page in pages for link in page.links if "images/" in link}
    assert shown == {path.name for path in Path(DOCS, "images").iterdir()}
