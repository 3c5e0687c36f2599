"""The host: its life, its own addresses, and what happens when an app changes."""

import asyncio
import json
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


# Changes.


async def test_an_edited_module_is_loaded(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    assert (await app.get("/api/say")).text == "one"
    app.write("function_app.py", saying("two"))
    await log.wait_for("^Changed: function_app.py.$")
    await log.wait_for(r"^The app is loaded again: 1 functions, \d+ ms.$")
    assert (await app.get("/api/say")).text == "two"


async def test_an_edited_module_in_a_folder_is_loaded(start_host: StartHost, log: Any) -> None:
    source = saying("").replace('""', "words.one.WORD").replace("import os", "import words.one")
    app = await start_host({"function_app.py": source, "words/one.py": "WORD = 'one'"})
    assert (await app.get("/api/say")).text == "one"
    app.write("words/one.py", "WORD = 'two'")
    await log.wait_for("^Changed: words/one.py.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"


@pytest.mark.parametrize("names", [["words"], ["words", "words/of", "words/of/mine"]], ids=["one", "deep"])
async def test_a_module_in_a_new_folder_is_loaded(start_host: StartHost, log: Any, names: list[str]) -> None:
    module = f"{names[-1]}/one".replace("/", ".")
    app = await start_host(saying("one"))
    app.write(
        "function_app.py", saying("").replace('""', "WORD").replace("import os", f"from {module} import WORD")
    )
    await log.wait_for("requests get 503 until then")
    app.write(f"{names[-1]}/one.py", "WORD = 'two'")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"
    app.write(f"{names[-1]}/one.py", "WORD = 'three'")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "three"


async def test_a_folder_that_is_renamed_is_noticed(start_host: StartHost, log: Any) -> None:
    source = saying("").replace('""', "WORD").replace("import os", "from words.one import WORD")
    app = await start_host(
        {"function_app.py": source, "other/one.py": "WORD = 'two'", "words/one.py": "WORD = 'one'"}
    )
    (app.folder / "words").rename(app.folder / "old")
    (app.folder / "other").rename(app.folder / "words")
    app.write("function_app.py", source + "\n")
    await log.wait_for("^Changed: .*function_app.py")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"
    app.write("words/one.py", "WORD = 'three'")
    await log.wait_for("^Changed: words/one.py.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "three"


async def test_other_files_change_nothing(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    app.write("notes.txt", "notes")
    app.write("__pycache__/function_app.py", "")
    app.write(".git/hook.py", "")
    app.write("function_app.py", saying("two"))
    await log.wait_for("^Changed: function_app.py.$")
    await log.wait_for("The app is loaded again")


async def test_a_change_during_a_load_is_loaded_too(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    app.write("function_app.py", saying("two"))
    await log.wait_for("^Changed: function_app.py.$")
    app.write("function_app.py", saying("three"))
    await log.wait_for("^Changed: function_app.py.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "three"


async def test_an_edit_that_breaks_the_app_is_answered_with_its_reason_until_it_is_mended(
    start_host: StartHost, log: Any
) -> None:
    app = await start_host(saying("one"))
    app.write("function_app.py", saying("two") + "raise LookupError('my own mistake')\n")
    record = await log.wait_for("requests get 503 until then")
    assert record.levelname == "ERROR"
    assert "Traceback (most recent call last)" in record.getMessage()
    for path in ("/api/say", "/", "/runtime/webhooks/signalr"):
        reply = await app.get(path)
        assert reply.status == 503
        assert reply.headers["Content-Type"].startswith("application/problem+json")
        assert reply.json()["detail"] == (
            "The app could not be loaded: LookupError: my own mistake (function_app.py, line 11). "
            "The traceback is in the log of the local runtime."
        )
    assert (await app.get("/admin/host/ping")).status == 200
    status = (await app.get("/admin/host/status")).json()
    assert status["state"] == "Error"
    [told] = status["errors"]
    assert "my own mistake" in told
    # A client may not be the developer: it learns what is wrong, and no traceback.
    assert "Traceback" not in told
    assert 'File "' not in told
    assert (await app.get("/admin/functions")).status == 404
    app.write("function_app.py", saying("three"))
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "three"


@pytest.mark.parametrize(
    ("name", "broken", "reason"),
    [
        ("local.settings.json", "{", "local.settings.json is not valid JSON"),
        ("local.settings.json", '{"Values": 1}', "local.settings.json must hold an object as Values"),
        ("host.json", "[]", "host.json must hold a JSON object"),
        ("function_app.py", "import os\nos._exit(1)", "the worker process ended with exit code 1"),
    ],
)
async def test_files_that_are_broken_are_named_until_they_are_mended(
    start_host: StartHost, log: Any, name: str, broken: str, reason: str
) -> None:
    app = await start_host(saying("one"), host_json={})
    mended = (app.folder / name).read_text()
    app.write(name, broken)
    await log.wait_for("requests get 503 until then")
    reply = await app.get("/api/say")
    assert reply.status == 503
    assert reason in reply.text
    app.write(name, mended)
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "one"


async def test_a_file_that_cannot_be_read_is_named_until_it_can(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    (app.folder / "host.json").mkdir()
    await log.wait_for("requests get 503 until then")
    assert "host.json" in (await app.get("/api/say")).text
    (app.folder / "host.json").rmdir()
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "one"


async def test_a_request_in_flight_is_answered_by_the_app_that_took_it(
    start_host: StartHost, log: Any, gate: Any
) -> None:
    app = await start_host(WAITING + PID)
    pid = int((await app.get("/api/pid")).text)
    waiting = asyncio.create_task(app.get(f"/api/wait/{gate.port}"))
    say = await gate.waiting()
    app.write("function_app.py", saying("new"))
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "new"
    assert is_alive(pid)
    say("old")
    assert (await waiting).text == "old"


async def test_a_message_under_way_goes_out_while_the_app_is_loaded_anew(
    start_host: StartHost, service: Any, signalr_settings: dict[str, str], log: Any
) -> None:
    app = await start_host(HEAD + PID + SENDING, settings=signalr_settings)
    service.gate.clear()
    sending = asyncio.create_task(app.get("/api/send"))
    await log.wait_for("Executing 'Functions.send'")
    app.write("function_app.py", HEAD + PID)
    await log.wait_for("The app is loaded again")
    await log.wait_for("Functions still ran after 2 seconds")
    assert (await app.get("/api/pid")).status == 200
    service.gate.set()
    reply = await sending
    assert (reply.status, reply.text) == (200, "sent")


async def test_settings_are_taken_up(start_host: StartHost, log: Any) -> None:
    source = saying("").replace('""', "os.environ['WORD']")
    app = await start_host(source, settings={"WORD": "one"})
    assert (await app.get("/api/say")).text == "one"
    app.write("local.settings.json", json.dumps({"Values": {"WORD": "two"}}))
    await log.wait_for("^Changed: local.settings.json.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"


async def test_host_json_is_taken_up(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    app.write("host.json", json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": "v2"}}}))
    await log.wait_for("^Changed: host.json.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/v2/say")).text == "one"
    assert (await app.get("/api/say")).status == 404


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
