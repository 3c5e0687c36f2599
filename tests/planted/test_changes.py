"""Changes that people make to the chat: tests that are not about them go on passing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PARTS = ("function_app.py", "host.json", "pyproject.toml", "blueprints", "serverless_signalr", "tests", "web")

EVENT = '''

@bp.signalr_trigger()
async def typing(caller: SignalRInvocationContext, group_name: str) -> None:
    """Tell a group that somebody is typing."""
'''


@pytest.fixture
def chat(project: Path, tmp_path: Path) -> Path:
    """Return a copy of the chat with its tests."""
    for name in PARTS:
        if (project / name).is_dir():
            shutil.copytree(project / name, tmp_path / name, ignore=shutil.ignore_patterns("signalr_local"))
        else:
            shutil.copy(project / name, tmp_path)
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def run(chat: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "tests/blueprints", "-q", "-p", "no:cacheprovider"],
        cwd=chat,
        capture_output=True,
        text=True,
    )


def test_hub_is_renamed_and_an_event_is_added_without_touching_a_test(chat: Path) -> None:
    edit(chat / "blueprints" / "hub.py", 'HUB = "chat"', 'HUB = "talk"')
    events = chat / "blueprints" / "events.py"
    events.write_text(events.read_text(encoding="utf-8") + EVENT, encoding="utf-8")
    done = run(chat)
    assert done.returncode == 0, done.stdout + done.stderr


def test_event_that_goes_is_missed_by_its_own_tests_alone(chat: Path) -> None:
    edit(chat / "blueprints" / "events.py", "def echo(", "def repeat(")
    done = run(chat)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert failed
    assert all("echo" in line or "every_event_of_the_contract" in line for line in failed), done.stdout
