"""The host: its life and its own addresses."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from signalr_local.host.failures import describe_error
from signalr_local.host.host import FunctionsHost
from signalr_local.host.worker import AppError

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

HEAD = """
import os

import azure.functions as func

app = func.FunctionApp()
"""

PID = """
@app.route()
def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())
"""

SENDING = """
@app.route()
@app.generic_output_binding("outbox", type="signalR", hub_name="chat")
def send(req: func.HttpRequest, outbox: func.Out[str]) -> str:
    outbox.set({"target": "t", "arguments": []})
    return "sent"
"""

ADDRESSES = f"""
{HEAD}
{PID}
@app.route(route="items/{{id:int}}", methods=["GET", "PUT"])
def item(req: func.HttpRequest) -> str:
    return "item"

@app.route(route="items/{{id:int}}", methods=["GET"])
def zwei(req: func.HttpRequest) -> str:
    return "never"

@app.route()
@app.generic_output_binding("my_outbox", type="signalR", hub_name="chat")
def wrong(req: func.HttpRequest, my_outbox: func.Out[str]) -> str:
    return "never"

@app.route()
def off(req: func.HttpRequest) -> str:
    return "never"

@app.generic_trigger(
    "invocation", type="signalRTrigger", hub_name="chat", category="messages", event="send"
)
def send(invocation: str) -> None:
    pass
"""

WAITING = f"""
{HEAD}
import asyncio

@app.route(route="wait/{{port}}")
async def wait(req: func.HttpRequest) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(req.route_params["port"]))
    word = await reader.read()
    writer.close()
    return word.decode()
"""


def saying(word: str) -> str:
    """Return an app whose one function says a word."""
    return f'{HEAD}\n@app.route()\ndef say(req: func.HttpRequest) -> str:\n    return "{word}"\n'


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of the processes that were started for an app."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if str(folder) in line]


class Gate:
    """Let functions wait until a test says a word to them."""

    def __init__(self) -> None:
        self.port = 0
        self._writers: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def waiting(self) -> Callable[[str], None]:
        """Wait for a function to wait, and return what lets it go on."""
        writer = await self._writers.get()

        def say(word: str) -> None:
            writer.write(word.encode())
            writer.close()

        return say

    def entered(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.put_nowait(writer)


@pytest_asyncio.fixture(loop_scope="module")
async def gate() -> Any:
    """Open a gate for the function ``wait``."""
    gate = Gate()
    async with await asyncio.start_server(gate.entered, "127.0.0.1", 0) as server:
        gate.port = server.sockets[0].getsockname()[1]
        yield gate


# Its own addresses.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost, signalr_settings: dict[str, str]) -> Any:
    """Run an app with functions of every kind for all tests that only look."""
    settings = {**signalr_settings, "AzureWebJobs.off.Disabled": "1"}
    bundle = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}
    return await start_shared_host(ADDRESSES, settings=settings, host_json={"extensionBundle": bundle})


async def test_the_home_page_says_that_the_app_runs(app: Any) -> None:
    reply = await app.get("/")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/html"
    assert "Your Functions app is up and running." in reply.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("HEAD", "/", 200), ("POST", "/", 200), ("GET", "//x", 404)]
)
async def test_there_is_one_home_page(app: Any, method: str, path: str, status: int) -> None:
    assert (await app.request(method, path)).status == status


async def test_a_setting_takes_the_home_page_away(start_host: StartHost) -> None:
    app = await start_host(HEAD, settings={"AzureWebJobsDisableHomepage": "true"})
    assert (await app.get("/")).status == 204


async def test_a_function_may_take_the_home_page(start_host: StartHost) -> None:
    source = f'{HEAD}\n@app.route(route="/")\ndef home(req: func.HttpRequest) -> str:\n    return "mine"\n'
    app = await start_host(source, host_json={"extensions": {"http": {"routePrefix": ""}}})
    assert (await app.get("/")).text == "mine"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_host_answers_a_ping(app: Any, method: str) -> None:
    reply = await app.request(method, "/admin/host/ping")
    assert (reply.status, reply.body) == (200, b"")


async def test_the_status_of_a_function_names_its_error(app: Any) -> None:
    status = (await app.get("/admin/host/status")).json()
    assert status["processUptime"] >= 0
    shown = {name: status.get(name) for name in ("id", "state", "extensionBundle", "errors")}
    assert shown == {
        "id": "local",
        "state": "Running",
        "extensionBundle": {
            "id": "Microsoft.Azure.Functions.ExtensionBundle",
            "version": "[4.*, 5.0.0)",
        },
        "errors": None,
    }
    told = (await app.get("/admin/functions/ZWEI/status")).json()
    assert told == {"errors": ["The route specified conflicts with the route defined by function 'item'."]}
    assert (await app.get("/admin/functions/item/status")).json() == {}


async def test_functions_are_listed_in_the_order_of_their_names(app: Any) -> None:
    found = (await app.get("/admin/functions")).json()
    assert [function["name"] for function in found] == ["item", "off", "pid", "send", "wrong", "zwei"]


async def test_a_function_is_described(app: Any) -> None:
    found = (await app.get("/admin/functions/ITEM")).json()
    assert found == (await app.get("/admin/functions")).json()[0]
    assert found["href"] == f"{app.url}/admin/functions/item"
    assert found["invoke_url_template"] == f"{app.url}/api/items/{{id:int}}"
    assert found["language"] == "python"
    assert found["isDisabled"] is False
    assert found["config"]["name"] == "item"
    assert [binding["type"] for binding in found["config"]["bindings"]] == ["httpTrigger", "http"]
    assert (await app.get("/admin/functions/send")).json()["invoke_url_template"] is None


@pytest.mark.parametrize("path", ["/admin/", "/admin/other", "/admin/functions/none", "/admin/host"])
async def test_other_addresses_of_the_host_are_not_found(app: Any, path: str) -> None:
    assert (await app.get(path)).status == 404


@pytest.mark.parametrize(
    ("path", "status"), [("items/5", 200), ("items/a", 404), ("wrong", 404), ("off", 404)]
)
async def test_only_functions_without_fault_are_served(app: Any, path: str, status: int) -> None:
    assert (await app.get(f"/api/{path}")).status == status


async def test_functions_in_error_are_logged(start_host: StartHost, log: Any) -> None:
    await start_host(ADDRESSES)
    record = log.find("The 'wrong' function is in error: The binding name my_outbox is invalid")
    assert record.levelname == "ERROR"


# Start and stop.


async def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        FunctionsHost(tmp_path).bind(port=taken.getsockname()[1])


async def test_bind_comes_before_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="bind comes before start"):
        await FunctionsHost(tmp_path).start()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"local.settings.json": "{"}, "local.settings.json is not valid JSON"),
        ({"host.json": '{"id": "x"}'}, 'host.json has no "version", write "version": "2.0"'),
    ],
)
async def test_settings_that_cannot_be_read_keep_the_host_from_starting(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    host = FunctionsHost(tmp_path)
    host.bind(port=0)
    with pytest.raises(ValueError, match=message):
        await host.start()
    await host.stop()


async def test_stop_ends_the_process_and_frees_the_port(start_host: StartHost) -> None:
    app = await start_host(HEAD + PID)
    pid = int((await app.get("/api/pid")).text)
    assert is_alive(pid)
    await app.host.stop()
    assert not is_alive(pid)
    with socket.create_server(("127.0.0.1", app.host.port)):
        pass


async def test_stop_ends_the_processes_of_all_loads(start_host: StartHost, log: Any, gate: Any) -> None:
    app = await start_host(WAITING + PID)
    pids = [int((await app.get("/api/pid")).text)]
    waiting = asyncio.create_task(app.get(f"/api/wait/{gate.port}"))
    say = await gate.waiting()
    app.write("other.py", "")
    await log.wait_for("The app is loaded again")
    pids.append(int((await app.get("/api/pid")).text))
    say("done")
    assert (await waiting).text == "done"
    await app.host.stop()
    assert len(set(pids)) == 2
    assert not any(is_alive(pid) for pid in pids)


async def test_a_function_that_runs_when_the_host_stops_may_end(start_host: StartHost, gate: Any) -> None:
    app = await start_host(WAITING)
    waiting = asyncio.create_task(app.get(f"/api/wait/{gate.port}"))
    say = await gate.waiting()
    stopping = asyncio.create_task(app.host.stop())
    say("done")
    assert (await waiting).text == "done"
    await stopping


async def test_a_function_that_does_not_end_is_ended_and_said_to_have_failed(
    start_host: StartHost, log: Any, gate: Any
) -> None:
    app = await start_host(WAITING + PID)
    pid = int((await app.get("/api/pid")).text)
    waiting = asyncio.create_task(app.get(f"/api/wait/{gate.port}"))
    say = await gate.waiting()
    await app.host.stop()
    assert not is_alive(pid)
    say("too late")
    assert (await waiting).status == 500
    log.find(r"Executed 'Functions.wait' \(Failed, ")


LOADING = "import time\nprint('loading')\ntime.sleep(600)\n"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="it looks for processes in /proc")
@pytest.mark.parametrize(
    ("source", "pattern"), [(saying("two"), "^Changed"), (LOADING, "^loading$")], ids=["at-once", "later"]
)
async def test_stop_during_a_load_leaves_no_process(
    start_host: StartHost, log: Any, source: str, pattern: str
) -> None:
    app = await start_host(saying("one"))
    assert len(processes_of(app.folder)) == 1
    app.write("function_app.py", source)
    await log.wait_for(pattern)
    await app.host.stop()
    assert processes_of(app.folder) == []


# What is said of an app that was not loaded.


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("wrong"), "wrong"),
        (AppError("wrong"), "wrong"),
        (AppError("wrong", "Traceback\nValueError: wrong\n"), "Traceback\nValueError: wrong"),
        (AppError("more", "Traceback\nValueError: wrong\n"), "Traceback\nValueError: wrong\nmore"),
    ],
)
async def test_an_error_is_described_once(error: Exception, text: str) -> None:
    assert describe_error(error) == text
