"""A typed hub, seen by the type checkers: what is right passes, every wrong line is found."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent / "cases"

type Found = dict[int, list[str]]
"""What a checker says, by lines."""

type Checker = Callable[[Path], Found]


def run(command: Sequence[str]) -> str:
    """Run a checker at the root of the project, whose settings it uses, and return what it prints."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    # 1 says that something was found; anything else, that the checker did not get that far.
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def mypy(path: Path) -> Found:
    found: Found = {}
    # Where nothing was found there is one line, which is empty.
    for line in run(["mypy", "--output", "json", str(path)]).strip().splitlines():
        item = json.loads(line)
        if item["severity"] == "error" and ROOT / item["file"] == path:
            found.setdefault(item["line"], []).append(item["message"])
    return found


def pyright(path: Path) -> Found:
    said = json.loads(run(["pyright", "--outputjson", "--pythonpath", sys.executable, str(path)]))
    found: Found = {}
    for item in said["generalDiagnostics"]:
        found.setdefault(item["range"]["start"]["line"] + 1, []).append(item["message"])
    return found


@pytest.fixture(scope="module", params=[mypy, pyright])
def check(request: pytest.FixtureRequest) -> Checker:
    checker: Checker = request.param
    return checker


@pytest.fixture(scope="module")
def rejected(check: Checker) -> Found:
    """Return what a checker says of the wrong lines."""
    return check(CASES / "rejected.py")


def marked() -> list[int]:
    """Return the numbers of the lines that must be refused."""
    lines = (CASES / "rejected.py").read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, start=1) if line.endswith("  # error")]


@pytest.mark.parametrize("case", ["accepted.py", "tested.py"])
def test_hub_used_rightly_is_accepted(check: Checker, case: str) -> None:
    assert check(CASES / case) == {}


@pytest.mark.parametrize("line", marked())
def test_wrong_line_is_refused(rejected: Found, line: int) -> None:
    assert line in rejected


def test_nothing_else_is_refused(rejected: Found) -> None:
    assert {line: said for line, said in rejected.items() if line not in marked()} == {}
