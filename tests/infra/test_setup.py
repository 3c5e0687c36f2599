"""What make does before the first start, where something is missing or out of reach."""

import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOWHERE = "http://me:secret@127.0.0.1:9/simple"  # the port of the discard protocol, on which nobody listens


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the scripts, and a page that is built, in a repository of its own."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "web" / "dist").mkdir(parents=True)
    (tmp_path / "web" / "package.json").write_text(
        '{"name": "page", "scripts": {"build": "false"}, "dependencies": {"left": "1.0.0"}}'
    )
    (tmp_path / "web" / "package-lock.json").write_text(
        '{"name": "page", "lockfileVersion": 3, "packages": {"": {"name": "page", "dependencies": '
        '{"left": "1.0.0"}}, "node_modules/left": {"version": "1.0.0", "resolved": '
        '"http://127.0.0.1:9/left-1.0.0.tgz"}}}'
    )
    (tmp_path / "web" / "dist" / "index.html").write_text("the page")
    for name in ("src", "build.mjs", "tsconfig.json"):
        (tmp_path / "web" / name).write_text("")
    (tmp_path / ".gitignore").write_text(".make/\n.venv/\n")
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "Clone"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def run(folder: Path, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "npm_"))}
    return subprocess.run(
        command,
        cwd=folder,
        env=kept | {"HOME": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def make_environment(clone: Path, requirement: str) -> None:
    venv.create(clone / ".venv", with_pip=True)
    (clone / "requirements.txt").write_text(f"{requirement}\n")
    for folder in (clone, clone / "signalr_local"):
        folder.mkdir(exist_ok=True)
        (folder / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')


def test_package_index_that_is_not_reached_is_named_in_one_line(clone: Path) -> None:
    make_environment(clone, "no-such-package")
    index = {"PIP_INDEX_URL": NOWHERE, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1"}
    done = run(clone, "scripts/pip-install", **index)
    assert done.returncode == 1
    assert done.stdout + done.stderr == (
        "The package index http://127.0.0.1:9/simple is not reached: check the network, or name another one "
        "with PIP_INDEX_URL, or a proxy with PIP_PROXY.\n"
    )


def test_package_that_is_missing_where_no_index_may_be_used_is_named_in_one_line(clone: Path) -> None:
    make_environment(clone, "no-such-package")
    done = run(clone, "scripts/pip-install", PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1")
    assert done.returncode == 1
    [line] = (done.stdout + done.stderr).splitlines()
    assert line.endswith(
        "PIP_NO_INDEX keeps it from the package index. Unset that, or name a folder with the wheels in "
        "PIP_FIND_LINKS."
    )


PIP = """
import sys
print("  Downloading aiohttp-3.13.0-cp313-cp313-manylinux2014_x86_64.whl.metadata (8 kB)")
print("Downloading aiohttp-3.13.0-cp313-cp313-manylinux2014_x86_64.whl (1.7 MB)")
print("  Downloading old-1.0.tar.gz (7 kB)")
print("Successfully installed aiohttp-3.13.0 old-1.0")
"""


def test_what_pip_prints_is_short(clone: Path) -> None:
    make_environment(clone, "aiohttp")
    [packages] = (clone / ".venv" / "lib").glob("python*/site-packages")
    shutil.rmtree(packages / "pip")
    (packages / "pip.py").write_text(PIP)
    done = run(clone, "scripts/pip-install")
    assert done.stdout.splitlines() == [
        "Downloading aiohttp 3.13.0 (1.7 MB)",
        "Downloading old 1.0 (7 kB)",
        "Installed 2 packages",
    ]


def test_other_complaints_of_pip_are_shown(clone: Path) -> None:
    make_environment(clone, "./nowhere.whl")
    done = run(clone, "scripts/pip-install", PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert "ERROR: nowhere.whl is not a valid wheel filename." in done.stderr
    assert "is not reached" not in done.stderr


def test_npm_registry_that_is_not_reached_is_named_in_one_line(clone: Path) -> None:
    nowhere = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    done = run(clone, "scripts/build-page", **nowhere)
    assert done.returncode != 0
    assert done.stderr == (
        "The npm registry http://127.0.0.1:9/ is not reached: check the network, or name another one with "
        "npm config set registry.\n"
    )


def test_page_that_is_as_it_was_cloned_needs_no_npm(clone: Path) -> None:
    done = run(clone, "scripts/build-page", "--if-edited", npm_config_registry="http://127.0.0.1:9/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("edited", ["web/build.mjs", "web/src2"], ids=["changed", "added"])
def test_page_that_is_edited_is_built(clone: Path, edited: str) -> None:
    (clone / edited).write_text("mine")
    nowhere = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    done = run(clone, "scripts/build-page", "--if-edited", **nowhere)
    assert done.returncode != 0
    assert "The npm registry" in done.stderr


def test_page_without_a_repository_is_built(clone: Path) -> None:
    shutil.rmtree(clone / ".git")
    nowhere = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    assert "The npm registry" in run(clone, "scripts/build-page", "--if-edited", **nowhere).stderr
