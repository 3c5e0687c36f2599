"""docs/testing.md does what it says: its app and its tests run, in a folder of their own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

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
