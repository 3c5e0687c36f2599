"""docs/make-it-yours.md, followed in a clone: additions work, and deletions leave the rest well."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, Page

BLOCKS = Page("docs/make-it-yours.md").blocks

OWN_TESTS = "The project's own tests and benchmarks"
PARTS = ["The page", "The examples", "What deploys it", "The documentation"]


@pytest.fixture
def clone(project: Path, tmp_path: Path) -> Path:
    """Return a clone of the project that a test may change."""
    folder = tmp_path / "clone"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("build", "__pycache__", "node_modules"))
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "Clone"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def run(folder: Path, *command: str) -> str:
    # The packages of this environment are the clone's, not those that are installed as editable.
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def make(folder: Path, *targets: str) -> str:
    """Make targets with the packages that are installed here, without their set-up."""
    steps = ("test-packages", "local-packages", "venv", "page", "edited-page")
    skipped = [word for name in steps for word in ("-o", name)]
    return run(folder, "make", f"PYTHON={sys.executable}", *skipped, *targets)


def follow(folder: Path, heading: str) -> None:
    """Do what a section says: commands, changes and files."""
    for block in [block for block in BLOCKS if block.heading == heading]:
        if block.language == "diff":
            (folder.parent / "change.diff").write_text(block.text, encoding="utf-8")
            run(folder, "git", "apply", "--recount", "--unidiff-zero", str(folder.parent / "change.diff"))
        elif block.name is not None:
            block.write(folder)
        else:
            run(folder, "sh", "-ec", block.text)


def test_new_event_works_and_is_tested(clone: Path) -> None:
    follow(clone, "Add an event")
    assert "2 passed" in run(clone, sys.executable, "-m", "pytest", "-q", "tests/blueprints/test_dice.py")
    make(clone, "test-app")
    run(clone, sys.executable, "-m", "ruff", "check", "--no-cache", "blueprints", "tests/blueprints")


def test_page_with_the_new_event_is_of_the_right_types(clone: Path) -> None:
    follow(clone, "Add an event")
    (clone / "web" / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    run(clone / "web", "npm", "run", "--silent", "check")


def test_hub_is_renamed_in_one_place(clone: Path) -> None:
    module = clone / "blueprints" / "hub.py"
    source = module.read_text(encoding="utf-8")
    assert source.count('HUB = "chat"') == 1
    module.write_text(source.replace('HUB = "chat"', 'HUB = "support"'), encoding="utf-8")
    make(clone, "test-app")


@pytest.mark.parametrize("parts", [[], PARTS[:1], PARTS], ids=["tests", "page", "all"])
def test_rest_is_well_without_a_part(clone: Path, launch: Any, parts: Sequence[str]) -> None:
    for part in (OWN_TESTS, *parts):
        follow(clone, part)
    run(clone, sys.executable, "-m", "ruff", "check", "--no-cache")
    make(clone, "test-app")
    runtime = launch("--app", str(clone), "--port", "0", "--emulator-port", "0")
    runtime.wait_for("Ctrl\\+C stops")
    assert ("Open http" in runtime.text) is ("The page" not in parts)
    assert runtime.stop() == 0


def test_everything_is_checked_without_all_parts(clone: Path) -> None:
    for part in (OWN_TESTS, *PARTS):
        follow(clone, part)
    printed = make(clone, "types")
    assert printed.count("Success") == 2


@pytest.mark.parametrize(("target", "part"), [("bench", OWN_TESTS), ("package", "What deploys it")])
def test_make_says_what_a_target_lacks(clone: Path, target: str, part: str) -> None:
    follow(clone, part)
    with pytest.raises(
        AssertionError, match=f"There is no folder {'bench' if target == 'bench' else 'infra'}"
    ):
        make(clone, target)
