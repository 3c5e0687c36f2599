"""docs/testing.md does what it says: its app and its tests run, in a folder of their own."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import aiohttp
import pytest

from signalr_local.emulator import Emulator
from signalr_local.emulator.actions import Actions
from signalr_local.emulator.control import ControlPath

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
SETTINGS = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def files() -> dict[str, str]:
    """Return the files of the page: the first line of a block names it."""
    blocks = re.findall(r"^```(?:python|js)\n(?:#|//) (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return dict(blocks)


BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium")
FILES = files()
TESTS = [name for name in FILES if name.startswith("test_")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all files of the page, and the settings of pytest that it names."""
    folder = tmp_path_factory.mktemp("testing")
    for name, content in FILES.items():
        # The page opens the browser that Playwright installs; here it is the one that there is.
        launch = f"launch(executable_path={BROWSER!r}, args=['--no-sandbox'])"
        (folder / name).write_text(
            content.replace("chromium.launch()", f"chromium.{launch}"), encoding="utf-8"
        )
    settings = SETTINGS.search(TEXT)
    assert settings is not None
    (folder / "pyproject.toml").write_text(settings[1], encoding="utf-8")
    (folder / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    return folder


def test_every_tool_is_shown() -> None:
    assert len(TESTS) >= 9


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> tuple[dict[str, set[str]], str]:
    """Run the tests of the page; return what came of those of each file, and what was printed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-p", "signalr_local.pytest_plugin", "--junitxml", "report.xml", "-W", "error"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found: dict[str, set[str]] = {}
    for case in ElementTree.parse(folder / "report.xml").getroot().iter("testcase"):
        outcome = next((child.tag for child in case), "passed")
        found.setdefault(case.get("classname", ""), set()).add(outcome)
    return found, done.stdout + done.stderr


@pytest.mark.parametrize("name", TESTS)
def test_example_runs(outcomes: tuple[dict[str, set[str]], str], name: str) -> None:
    if name == "test_page.py" and BROWSER is None and not os.environ.get("CI"):
        pytest.skip("no browser: make test says how to get one")
    found, printed = outcomes
    assert found.get(name.removesuffix(".py")) == {"passed"}, printed


def test_message_of_a_failed_expectation_is_quoted_as_it_is() -> None:
    source = (ROOT / "signalr_local" / "testing" / "client.py").read_text(encoding="utf-8")
    assert "did not receive" in TEXT
    assert "did not receive" in source


def cypress_request() -> tuple[str, dict[str, object]]:
    """Return the action and the body of the request in the example for Cypress."""
    found = re.search(r'cy\.request\("POST", `\$\{Cypress\.env\("CONTROL_URL"\)\}/(\S+)`, (\{.*?\})\)', TEXT)
    assert found is not None
    body: dict[str, object] = json.loads(re.sub(r"(\w+):", r'"\1":', found[2]))
    return found[1], body


async def post(url: str, body: object) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return response.status


async def test_environment_for_cypress_is_served_and_its_request_drops_the_client(folder: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    serve = await asyncio.create_subprocess_exec(
        *(sys.executable, "serve.py"), cwd=folder, stdout=pipe, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert serve.stdout is not None
    url, control_url = (await serve.stdout.readline()).decode().split()
    carol = await asyncio.create_subprocess_exec("node", "client.mjs", url, cwd=folder, stdout=pipe)
    assert carol.stdout is not None
    assert await carol.stdout.readline() == b"joined\n"
    action, body = cypress_request()
    assert await post(f"{control_url}/{action}", body) == 204
    assert await carol.stdout.read() == b""
    await carol.wait()
    serve.terminate()
    await serve.wait()


async def test_request_of_curl_is_one_that_the_emulator_takes() -> None:
    found = re.search(r"curl http://localhost:8888/_test/(\S+) --json '(.+)'", TEXT)
    assert found is not None
    emulator = Emulator()
    emulator.control = ControlPath(Actions(emulator))
    await emulator.start(port=0)
    assert await post(f"http://localhost:{emulator.port}/_test/{found[1]}", json.loads(found[2])) == 204
    await emulator.stop()


def test_every_request_of_the_control_path_is_described() -> None:
    described = set(
        re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| (`[a-z-]+`.*?) \|", TEXT, re.MULTILINE)))
    )
    environment = {"advance", "settled", "kill-worker"}
    assert described >= {*ControlPath(Actions(Emulator())).actions, *environment}
