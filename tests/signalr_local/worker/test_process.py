"""The worker process by itself: what it says to a host, and that it does not outlive one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from signalr_local.host.scoreboard import ScoreboardFile
from signalr_local.worker import frames

type Start = Callable[[str], Any]

START = Path(frames.__file__).with_name("start.py")

APP = """
import asyncio
import json
import os
import sys
import threading
import time

import azure.functions as func

app = func.FunctionApp()

print("imported")

def on(event):
    return app.generic_trigger(
        "invocation", type="signalRTrigger", hub_name="chat", category="messages", event=event
    )

@on("answer")
def answer(invocation: str) -> str:
    print("running")
    return invocation + "!"

@on("paths")
def paths(invocation: str):
    return {"folder": os.getcwd(), "path": sys.path, "modules": list(sys.modules)}

@on("fail")
def fail(invocation: str) -> None:
    raise ValueError("my own mistake")

@on("wait")
async def wait(invocation: str) -> None:
    print("running")
    await asyncio.Event().wait()

@on("block")
def block(invocation: str) -> None:
    print("running")
    threading.Event().wait()

@on("blockLoop")
async def block_loop(invocation: str) -> None:
    print("running")
    time.sleep(600)

@on("stubborn")
async def stubborn(invocation: str) -> None:
    print("running")
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
"""


class Host:
    """Speak to a worker as the host does."""

    def __init__(self, folder: Path) -> None:
        self.scoreboard = ScoreboardFile()
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(START), str(folder), self.scoreboard.name, "60"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=self.scoreboard.inherited,
        )
        self._functions: dict[str, str] = {}

    @property
    def input(self) -> BinaryIO:
        return cast("BinaryIO", self.process.stdin)

    @property
    def output(self) -> BinaryIO:
        return cast("BinaryIO", self.process.stdout)

    def next(self) -> dict[str, Any]:
        frame = frames.read(self.output)
        assert frame is not None, "the worker ended"
        return frame[0]

    def index(self) -> list[dict[str, Any]]:
        """Read what comes before the first invocation, and return it."""
        found = [self.next()]
        while found[-1]["type"] == "log":
            found.append(self.next())
        self._functions = {item["name"]: item["id"] for item in found[-1].get("functions", ())}
        return found

    def frame(self, name: str, value: str, id: str) -> bytes:
        inputs = {"invocation": {"type": "string", "value": value}}
        header = {"type": "invoke", "id": id, "function": self._functions[name], "inputs": inputs}
        return frames.encode(header)

    def invoke(self, name: str, value: str = "{}", id: str = "1") -> None:
        self.input.write(self.frame(name, value, id))
        self.input.flush()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.input, self.output):
            stream.close()
        self.scoreboard.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start workers for an app."""
    started: list[Host] = []

    def start(source: str) -> Host:
        (tmp_path / "function_app.py").write_text(source)
        started.append(Host(tmp_path))
        return started[-1]

    yield start
    for host in started:
        host.close()


@pytest.fixture
def host(start: Start) -> Any:
    """Start a worker that has listed its functions."""
    host = start(APP)
    host.index()
    return host


def test_it_lists_the_functions_after_what_the_app_says(start: Start) -> None:
    log, *_, listing = start(APP).index()
    assert log == {"type": "log", "level": 20, "text": "imported", "invocation": None}
    assert listing["type"] == "indexed"
    [answer] = [item for item in listing["functions"] if item["name"] == "answer"]
    assert answer["bindings"] == [
        {
            "direction": "IN",
            "type": "signalRTrigger",
            "name": "invocation",
            "hubName": "chat",
            "category": "messages",
            "event": "answer",
        }
    ]


def test_an_app_without_functions_lists_none(start: Start) -> None:
    *_, listing = start("import azure.functions as func\napp = func.FunctionApp()\n").index()
    assert listing == {"type": "indexed", "http": None, "functions": []}


def test_an_app_that_fails_is_reported_and_the_process_ends(start: Start) -> None:
    host = start("raise LookupError('wrong')\n")
    [failed] = host.index()
    assert (failed["type"], failed["message"]) == ("failed", "LookupError: wrong")
    assert failed["stack"].startswith('Traceback (most recent call last):\n  File "')
    assert host.process.wait() == 0


def test_the_app_s_frames_alone_are_reported_even_beside_its_environment(
    start: Start, tmp_path: Path
) -> None:
    packages = tmp_path / ".python_packages" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "strict.py").write_text("def check():\n    raise LookupError('wrong')\n")
    [failed] = start("import strict\nstrict.check()\n").index()
    frames_shown = [line for line in failed["stack"].splitlines() if line.startswith("  File")]
    assert [line.split('"')[1] for line in frames_shown] == [
        str(tmp_path / "function_app.py"),
        str(packages / "strict.py"),
    ]


def test_an_invocation_is_answered_under_its_id(host: Any) -> None:
    host.invoke("answer", "hi", id="7")
    assert host.next() == {"type": "log", "level": 20, "text": "running", "invocation": "7"}
    returned = {"type": "string", "value": "hi!"}
    assert host.next() == {"type": "result", "id": "7", "ok": True, "return": returned, "outputs": {}}


def test_an_exception_is_answered_with_its_parts(host: Any) -> None:
    host.invoke("fail")
    answer = host.next()
    assert (answer["id"], answer["ok"]) == ("1", False)
    stack = answer["error"].pop("stack")
    assert answer["error"] == {"type": "ValueError", "message": "my own mistake", "clean": False}
    lines = stack.splitlines()
    assert (lines[0], lines[-1]) == ("Traceback (most recent call last):", "ValueError: my own mistake")
    assert sum(line.startswith("  File ") for line in lines) == 1


def test_invocations_are_answered_as_they_end(host: Any) -> None:
    host.invoke("wait", id="1")
    host.invoke("block", id="2")
    assert {host.next()["invocation"], host.next()["invocation"]} == {"1", "2"}
    host.invoke("answer", id="3")
    host.next()
    assert host.next()["id"] == "3"


def test_invocations_that_come_together_are_all_answered(host: Any) -> None:
    ids = [str(number) for number in range(5)]
    host.input.write(b"".join(host.frame("answer", '"hi"', id) for id in ids))
    host.input.flush()
    answered: set[str] = set()
    while len(answered) < len(ids):
        frame = host.next()
        if frame["type"] == "result":
            answered.add(frame["id"])
    assert answered == set(ids)


def test_the_app_shares_no_module_with_its_worker(host: Any, tmp_path: Path) -> None:
    host.invoke("paths")
    found = host.next()["return"]["value"]
    assert found["folder"] == str(tmp_path)
    assert found["path"][0] == str(tmp_path / ".python_packages" / "lib" / "site-packages")
    assert found["path"][-1] == str(tmp_path)
    assert str(START.parent) not in found["path"]
    assert "signalr_local" not in found["modules"]


@pytest.mark.parametrize("name", ["wait", "block", "block_loop", "stubborn"])
def test_it_ends_with_its_host_whatever_runs(host: Any, name: str) -> None:
    host.invoke(name)
    assert host.next()["text"] == "running"
    host.input.close()
    assert host.process.wait() == 0


def test_it_ends_when_nobody_listens_any_more(host: Any) -> None:
    host.output.close()
    host.invoke("answer")
    assert host.process.wait() == 0
