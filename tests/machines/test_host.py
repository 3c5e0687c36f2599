"""The local runtime on any system: it starts, answers, loads a changed app and stops."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0

APP = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="say")
def say(req: func.HttpRequest) -> str:
    return "one"

@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    print("ticked")
"""


class Running:
    """A local runtime in a process of its own, with what it prints."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.printed: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"{pattern!r} was not printed:\n{''.join(self.printed)}") from None
            if found := re.search(pattern, line):
                return found

    def stop(self) -> int:
        self.process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
        return self.process.wait(PATIENCE)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.printed.append(line)
                self._lines.put(line)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "local.settings.json").write_text('{"IsEncrypted": false, "Values": {}}')
    process = subprocess.Popen(
        [sys.executable, "-m", "signalr_local", "--app", str(tmp_path), "-p", "0", "--emulator-port", "0"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        # Ctrl+Break goes to a group of processes, which must not be that of the tests.
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    running = Running(process)
    yield running
    if process.poll() is None:
        process.kill()
        process.wait()
    running.reader.join(PATIENCE)


def ask(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
        text: str = reply.read().decode()
        return text


def test_an_app_is_run_loaded_again_and_stopped(runtime: Running, tmp_path: Path) -> None:
    url = runtime.wait_for(r"say: (http://localhost:\d+/api/say)")[1]
    assert ask(url) == "one"
    (tmp_path / "function_app.py").write_text(APP.replace('"one"', '"two"'))
    runtime.wait_for("The app is loaded again")
    assert ask(url) == "two"
    assert any("ticked" in line for line in runtime.printed)
    assert runtime.stop() == 0
