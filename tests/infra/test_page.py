"""The built page, which comes with the repository: an app that only serves it needs no Node.js."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ("build-page", "check-machine", "find-node", "find-python", "once", "say", "npm")


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout


def test_the_page_of_the_repository_is_built_from_its_sources() -> None:
    changed = set(git("status", "--porcelain", "web").split()) - {"M", "A", "??"}
    is_edited = any(name.startswith("web/src") for name in changed)
    assert is_edited or "web/dist/index.html" not in changed, "commit web/dist/index.html with its sources"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with what it takes to build the page, on a machine without Node.js."""
    (tmp_path / "scripts").mkdir()
    for name in SCRIPTS:
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    (tmp_path / "web" / "dist").mkdir(parents=True)
    (tmp_path / "web" / "package.json").write_text("{}")
    (tmp_path / "web" / "dist" / "index.html").write_text("the page")
    (tmp_path / ".python-version").write_text("3.13")
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "dirname", "cat", "grep"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def run(clone: Path, script: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(clone / "bin"), "HOME": str(clone), "NVM_DIR": str(clone)}
    return subprocess.run(
        [f"scripts/{script}"], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )


def has_node_elsewhere(clone: Path) -> bool:
    """Tell whether Node.js is where find-node looks beside PATH, so that no test can hide it."""
    return run(clone, "find-node").returncode == 0


def test_without_node_the_page_is_the_one_of_the_repository(clone: Path) -> None:
    if has_node_elsewhere(clone):
        (clone / "scripts" / "find-node").write_text("#!/bin/sh\nexit 1\n")
    done = run(clone, "build-page")
    assert (done.returncode, (clone / "web" / "dist" / "index.html").read_text()) == (0, "the page")
    assert "the page is the one that came with the repository" in done.stdout


def test_without_node_and_page_all_that_is_missing_is_named_at_once(clone: Path) -> None:
    (clone / "web" / "dist" / "index.html").unlink()
    (clone / "scripts" / "find-node").write_text("#!/bin/sh\necho 'No Node.js was found' >&2\nexit 1\n")
    (clone / "scripts" / "find-python").write_text("#!/bin/sh\necho 'No Python was found' >&2\nexit 1\n")
    done = run(clone, "check-machine")
    assert done.returncode != 0
    assert "No Python was found" in done.stderr
    assert "No Node.js was found" in done.stderr


def test_without_a_page_there_is_nothing_to_build(clone: Path) -> None:
    shutil.rmtree(clone / "web")
    assert run(clone, "build-page").returncode == 0
    assert run(clone, "check-machine").returncode in (0, 1)
