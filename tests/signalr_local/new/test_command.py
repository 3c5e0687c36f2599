"""``signalr-local new``, as a user calls it."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def new(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "signalr_local", "new", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_says_what_it_made_where_the_wheels_are_and_how_to_go_on(tmp_path: Path) -> None:
    done = new(tmp_path, "my-chat")
    assert (done.returncode, done.stderr) == (0, "")
    count = sum(path.is_file() for path in (tmp_path / "my-chat").rglob("*"))
    assert f'Made the app my-chat with the hub "my_chat" in my-chat: {count} files.' in done.stdout
    assert "not published yet" in done.stdout
    assert re.search(r"^  .*(signalr-local|-m signalr_local) --app my-chat$", done.stdout, re.M)
    assert "-m pip install -r requirements-dev.txt" in done.stdout


def test_names_are_given(tmp_path: Path) -> None:
    done = new(tmp_path, "folder", "--name", "desk", "--hub", "Help")
    assert 'Made the app desk with the hub "Help" in folder' in done.stdout


def test_current_folder_can_become_the_app(tmp_path: Path) -> None:
    folder = tmp_path / "our-desk"
    folder.mkdir()
    assert 'Made the app our-desk with the hub "our_desk" in .' in new(folder, ".").stdout
    assert (folder / "function_app.py").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("here",), "here is not empty (it has mine.txt), and nothing is overwritten: name a folder that"),
        (("x", "--hub", "my-hub"), "the hub name 'my-hub' is not valid"),
        (("x", "--name", "My App"), "the app's name 'My App' is not valid"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.txt").touch()
    done = new(tmp_path, *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["here", "mine.txt"]


def ask(folder: Path, answers: str, *arguments: str) -> tuple[int, str]:
    """Run it in a terminal, in which somebody types."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "signalr_local", "new", *arguments],
        cwd=folder,
        stdin=end,
        stdout=end,
        stderr=end,
    )
    os.close(end)
    os.write(terminal, answers.encode())
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # nobody writes any more
            break
    os.close(terminal)
    return process.wait(), shown.decode()


def test_names_are_asked_for_in_a_terminal(tmp_path: Path) -> None:
    code, shown = ask(tmp_path, "desk\n\n", "my-chat")
    assert code == 0
    assert "Name of the app [my-chat]: " in shown
    assert "Name of the hub [desk]: " in shown
    assert 'Made the app desk with the hub "desk" in my-chat' in shown


def test_wrong_answer_is_explained_and_asked_for_again(tmp_path: Path) -> None:
    code, shown = ask(tmp_path, "My Desk\ndesk\n9\nhelp\n", "my-chat")
    assert code == 0
    assert "The app's name 'My Desk' is not valid: it has 2 to 40 lower-case letters" in shown
    assert "The hub name '9' is not valid" in shown
    assert 'Made the app desk with the hub "help" in my-chat' in shown


def test_nothing_is_asked_if_that_is_wished(tmp_path: Path) -> None:
    code, shown = ask(tmp_path, "", "my-chat", "--yes")
    assert code == 0
    assert "Name of" not in shown


def test_it_runs_what_it_made(launch: Any, tmp_path: Path) -> None:
    runtime = launch("--port", "0", "--emulator-port", "0", "new", str(tmp_path / "my-chat"), "--run")
    runtime.wait_for(r"Made the app my-chat")
    runtime.wait_for(r"broadcast: signalRTrigger")
    runtime.wait_for(r"Open http://localhost:\d+/api/index")
    assert runtime.stop() == 0
