"""The worker process: what the app finds there, and how it ends."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from signalr_local.host import supervisor

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

APP = """
import asyncio
import json
import os
import sys
import time

import azure.functions as func

app = func.FunctionApp()

@app.route()
def stdin(req: func.HttpRequest) -> str:
    return f"read {sys.stdin.read()!r}"

def end(how):
    match how:
        case "exit":
            sys.exit(3)
        case "exit-text":
            sys.exit("goodbye")
        case "interrupt":
            raise KeyboardInterrupt
        case "cancel":
            raise asyncio.CancelledError
        case "kill":
            os._exit(3)

@app.route(route="end/{how}")
def ends(req: func.HttpRequest) -> str:
    end(req.route_params["how"])

@app.route(route="end_async/{how}")
async def ends_async(req: func.HttpRequest) -> str:
    end(req.route_params["how"])

@app.route()
async def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())

@app.route()
def environment(req: func.HttpRequest) -> str:
    return json.dumps(dict(os.environ))

@app.route()
def block(req: func.HttpRequest) -> str:
    time.sleep(600)

@app.route()
async def block_loop(req: func.HttpRequest) -> str:
    time.sleep(600)

waiting = asyncio.Event()

@app.route()
async def wait(req: func.HttpRequest) -> str:
    print("waiting")
    await waiting.wait()
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost) -> Any:
    """Run an app whose worker no test ends."""
    return await start_shared_host(APP, settings={"MY_SETTING": "mine", "EMPTY": ""})


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker that ended be replaced without delay."""
    monkeypatch.setattr(supervisor, "_PAUSES", (0.0,))


async def test_a_function_finds_nothing_to_read(app: Any) -> None:
    assert (await app.get("/api/stdin")).text == "read ''"


# What the app finds.


async def test_settings_are_in_the_environment(app: Any) -> None:
    found = json.loads((await app.get("/api/environment")).text)
    expected = {
        "MY_SETTING": "mine",
        "EMPTY": "",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "WEBSITE_HOSTNAME": f"localhost:{app.host.port}",
        "AzureWebJobsScriptRoot": str(app.folder),
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "FUNCTIONS_CORETOOLS_ENVIRONMENT": "true",
    }
    assert found.items() >= expected.items()
    assert found["PATH"] == os.environ["PATH"]


async def test_the_environment_wins_over_settings(
    start_host: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SETTING", "from outside")
    app = await start_host(APP, settings={"MY_SETTING": "mine"})
    assert json.loads((await app.get("/api/environment")).text)["MY_SETTING"] == "from outside"


# How functions end the process, or do not.


@pytest.mark.parametrize("function", ["end", "end_async"])
@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("exit", "SystemExit: 3"),
        ("exit-text", "SystemExit: goodbye"),
        ("interrupt", "KeyboardInterrupt"),
        ("cancel", "CancelledError"),
    ],
)
async def test_a_function_that_exits_fails_and_nothing_else(
    app: Any, log: Any, function: str, how: str, error: str
) -> None:
    pid = (await app.get("/api/pid")).text
    reply = await app.get(f"/api/{function}/{how}")
    assert (reply.status, reply.body) == (500, b"")
    assert error in log.find("Exception while executing function").getMessage()
    assert (await app.get("/api/pid")).text == pid


@pytest.mark.parametrize("function", ["end", "end_async"])
async def test_a_process_that_ends_is_replaced(
    start_host: StartHost, log: Any, no_pause: None, function: str
) -> None:
    app = await start_host(APP)
    pid = (await app.get("/api/pid")).text
    reply = await app.get(f"/api/{function}/kill")
    assert (reply.status, reply.body) == (500, b"")
    assert "WorkerProcessExit: the worker process ended with exit code 3" in log.text
    await log.wait_for("The worker process ended with exit code 3. Another one is started.")
    await log.wait_for("The app is loaded again: ")
    reply = await app.get("/api/pid")
    assert reply.status == 200
    assert reply.text != pid


ENDING = """
import asyncio
import sys

import azure.functions as func

app = func.FunctionApp()

@app.route()
async def cancel(req: func.HttpRequest) -> str:
    for task in asyncio.all_tasks():
        task.cancel()
    return "done"

@app.route()
async def stop(req: func.HttpRequest) -> str:
    asyncio.get_running_loop().stop()
    return "done"

@app.route(route="exit")
async def leave(req: func.HttpRequest) -> str:
    asyncio.get_running_loop().call_soon(sys.exit, 3)
    return "done"

@app.route()
async def ok(req: func.HttpRequest) -> str:
    return "ok"
"""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("cancel", "cancelled every task of the event loop"),
        ("stop", "stopped the event loop"),
        ("exit", "raised SystemExit(3) in a task or a callback of the event loop"),
    ],
)
async def test_an_app_that_ends_the_event_loop_is_told_so_without_our_frames(
    start_host: StartHost, log: Any, no_pause: None, function: str, said: str
) -> None:
    app = await start_host(ENDING)
    await app.get(f"/api/{function}")
    await log.wait_for(f"The app {re.escape(said)}, which ends the worker.")
    assert (await app.get("/api/ok")).text == "ok"
    assert "signalr_local" not in log.text


CRASHING = """
import ctypes

import azure.functions as func

app = func.FunctionApp()

@app.route()
def crash(req: func.HttpRequest) -> str:
    return ctypes.string_at(0)
"""


async def test_a_crash_is_told_with_its_line_and_is_no_stall(
    start_host: StartHost, log: Any, no_pause: None
) -> None:
    app = await start_host(CRASHING)
    assert (await app.get("/api/crash")).status == 500
    await log.wait_for(
        "The worker process ended by SIGSEGV, at function_app.py, line 10. Another one is started."
    )
    assert "blocked the event loop" not in log.text


async def test_an_app_that_turns_logging_off_still_shows_its_failures(
    start_host: StartHost, log: Any
) -> None:
    app = await start_host(FAILING_SILENTLY)
    await log.wait_for("The app has turned logging off")
    await app.get("/api/fail")
    text = (await log.wait_for("Exception while executing function")).getMessage()
    assert "ValueError: my own mistake" in text
    assert "azure_functions_runtime" not in text


FAILING_SILENTLY = """
import logging

import azure.functions as func

logging.disable()
app = func.FunctionApp()

@app.route()
def fail(req: func.HttpRequest) -> str:
    raise ValueError("my own mistake")
"""


async def test_a_request_between_two_processes_waits_for_the_second(
    start_host: StartHost, no_pause: None
) -> None:
    app = await start_host(APP)
    await app.get("/api/end/kill")
    assert (await app.get("/api/pid")).status == 200


@pytest.mark.parametrize("function", ["block", "block_loop"])
async def test_a_function_that_runs_too_long_is_ended_with_its_process(
    start_host: StartHost, log: Any, no_pause: None, function: str
) -> None:
    app = await start_host(APP, host_json={"functionTimeout": "00:00:01"})
    pid = (await app.get("/api/pid")).text
    reply = await app.get(f"/api/{function}")
    assert reply.status == 500
    text = log.find("^Timeout value of").getMessage()
    assert f"exceeded by function 'Functions.{function}'" in text
    await log.wait_for("The app is loaded again: ")
    assert (await app.get("/api/pid")).text != pid


async def test_a_request_that_waits_when_the_process_ends_is_answered(
    start_host: StartHost, log: Any, no_pause: None
) -> None:
    app = await start_host(APP)
    waiting = asyncio.create_task(app.get("/api/wait"))
    await log.wait_for("^waiting$")
    assert (await app.get("/api/end/kill")).status == 500
    assert (await waiting).status == 500
    await log.wait_for("The app is loaded again: ")
