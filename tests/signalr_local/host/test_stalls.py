"""Stalls of a worker: the log names the line where a function blocks the event loop."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from signalr_local.host import worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Coroutine[Any, Any, Any]]

BLOCKING = """
import os
import time

import azure.functions as func

app = func.FunctionApp()

def wait_for(name: str) -> None:
    while not os.path.exists(name):
        time.sleep(0.01)

@app.route()
async def block(req: func.HttpRequest) -> str:
    wait_for("go")
    return "went"

@app.route()
def wait(req: func.HttpRequest) -> str:
    print("waiting")
    wait_for("go")
    return "went"
"""

SAID = "A function has blocked the event loop of the worker"


async def test_the_line_that_blocks_the_event_loop_is_named(
    start_host: StartHost, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_PATIENCE", 0.5)
    app = await start_host(BLOCKING)
    blocked = asyncio.create_task(app.get("/api/block"))
    record = await log.wait_for(SAID)
    assert "it is at function_app.py, line 1" in record.getMessage()
    assert "await what takes long" in record.getMessage()
    app.write("go", "")
    assert (await blocked).text == "went"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whether a process is stopped")
async def test_a_worker_that_somebody_stopped_is_told_of(start_host: StartHost, log: Any) -> None:
    app = await start_host(BLOCKING)
    pid = app.host.instance.worker.pid
    os.kill(pid, signal.SIGSTOP)
    waiting = asyncio.create_task(app.get("/api/wait"))
    record = await log.wait_for("The worker process is stopped")
    assert f"kill -CONT {pid}" in record.getMessage()
    app.write("go", "")
    os.kill(pid, signal.SIGCONT)
    assert (await waiting).text == "went"


async def test_a_function_that_waits_in_a_thread_blocks_nobody(
    start_host: StartHost, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_PATIENCE", 0.5)
    app = await start_host(BLOCKING)
    waiting = asyncio.create_task(app.get("/api/wait"))
    await log.wait_for("waiting")
    blocked = asyncio.create_task(app.get("/api/block"))
    # What is said of the one proves that nothing was said of the other.
    record = await log.wait_for(SAID)
    assert "function_app.py, line 1" in record.getMessage()
    app.write("go", "")
    assert [(await one).text for one in (waiting, blocked)] == ["went", "went"]
    assert log.text.count(SAID) == 1
