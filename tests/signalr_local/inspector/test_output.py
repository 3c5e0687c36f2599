"""Events as data, of a runtime as a user starts it: each record as the documented schema has it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.endpoint import Endpoint
from signalr_local.emulator.defaults import DEFAULT_ACCESS_KEY
from tests.conftest import ROOT
from tests.signalr_local.inspector.test_endpoint import CONTENT, check

APP = """
import azure.functions as func
from serverless_signalr import FunctionApp, ServerlessHub

app = FunctionApp()

class Chat(ServerlessHub, hub="chat"):
    async def tell(self, text: str) -> str:
        await self.clients.all.send("told", text)
        return text

    def fail(self) -> None:
        raise LookupError("my own")

app.register_functions(Chat().blueprint)

@app.route("hello", methods=["GET"])
def hello(req: func.HttpRequest) -> str:
    return "hello"
"""

KINDS: list[str] = CONTENT["properties"]["kind"]["enum"]
OF_THE_INSPECTOR = {"message_received", "events_skipped"}
OF_KEY_VAULT = {"start_initialization_progress"}
OF_A_FAILED_START = {"cli_diagnostic"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "serverless_signalr").symlink_to(ROOT / "serverless_signalr")
    text = f"Endpoint=http://localhost;Port=8888;AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;"
    settings = {"AzureSignalRConnectionString": text, "AzureWebJobsSecretStorageType": "files"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": settings}))
    return tmp_path


class Client:
    """Cause every kind of event that clients, servers and developers cause."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def __call__(self, folder: Path, until: Callable[[str], Any]) -> None:
        endpoint = Endpoint.parse(f"Endpoint={self._base};AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;")
        headers = {"Authorization": f"Bearer {sign_client_token(endpoint, 'chat', user_id='ann')}"}
        negotiate = f"{self._base}/client/negotiate?hub=chat&negotiateVersion=1"
        async with self._session.post(negotiate, headers=headers) as reply:
            id = (await reply.json())["connectionToken"]
        async with self._session.post(negotiate, headers={"Authorization": "Bearer x.y.z"}) as reply:
            assert reply.status == 401
        url = f"{self._base}/client/?hub=chat&id={id}"
        async with self._session.ws_connect(url, headers=headers) as socket:
            await socket.send_str('{"protocol":"json","version":1}\x1e')
            for number, (method, *values) in enumerate((("tell", "hi"), ("fail",))):
                call = {"type": 1, "invocationId": str(number), "target": method, "arguments": values}
                await socket.send_str(json.dumps(call) + "\x1e")
                while f'"invocationId":"{number}"' not in (await socket.receive_str()).replace(" ", ""):
                    pass
        until('"kind": ?"connection_closed"')
        (folder / "new.py").write_text(APP.replace("hello", "greet"))
        (folder / "new.py").replace(folder / "function_app.py")
        until('"name": ?"greet"')
        until('"to": ?"ready"')


async def test_every_line_of_a_runtime_with_json_output_is_a_record_of_the_schema(
    launch: Any, folder: Path
) -> None:
    runtime = launch("--app", str(folder), "--port", "0", "--emulator-port", "0", "--output", "json")
    base = runtime.wait_for(r"Listening on http://127\.0\.0\.1:(\d+)")[1]
    runtime.wait_for('"to": ?"ready"')
    async with aiohttp.ClientSession() as session:
        await Client(session, f"http://localhost:{base}")(folder, runtime.wait_for)
    assert runtime.stop() == 0
    records = [json.loads(line) for line in runtime.text.splitlines()]
    check(records)
    assert {record["kind"] for record in records} == (
        set(KINDS) - OF_THE_INSPECTOR - OF_KEY_VAULT - OF_A_FAILED_START
    )
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert {record["schema_version"] for record in records} == {1}
    first, *_, last = records
    assert (first["kind"], last["kind"]) == ("start_initialization_started", "summary")
    assert last["invocations"] == {"total": 2, "succeeded": 1, "failed": 1}
    removed = [record["name"] for record in records if record["kind"] == "function_removed"]
    assert "hello" in removed
    states = [record["to"] for record in records if record["kind"] == "host_state_changed"]
    assert states == ["starting", "ready", "recycling", "ready", "stopped"]


async def test_the_inspector_sends_the_records_that_the_file_has_and_its_own(
    launch: Any, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    ports = ("--port", "0", "--emulator-port", "0")
    runtime = launch("--app", str(folder), *ports, "--json-output-file", str(file))
    _, base, token = runtime.wait_for(r"Inspector: ((http://localhost:\d+)/_inspect\?token=(\S+))").groups()
    runtime.wait_for("Ctrl\\+C stops")
    bearer = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=bearer) as session:

        async def do(action: str, **fields: object) -> Any:
            async with session.post(f"{base}/_inspect/do/{action}", json=fields) as reply:
                assert reply.status == 200
                return await reply.json()

        async def events(query: str) -> list[str]:
            async with session.get(f"{base}/_inspect/events?{query}") as reply:
                assert reply.headers["Content-Type"] == "application/x-ndjson"
                return (await reply.text()).splitlines()

        await do("connect", hub="chat", user="eve")
        await do("send", hub="chat", to="user", name="eve", target="told", arguments=["hi"])
        while not await events("kind=message_received"):
            pass
        kept = await events("after=0")
        assert file.read_text().splitlines()[: len(kept)] == kept
        left_out = [json.loads(line) for line in await events("limit=1")]
        assert left_out[0]["kind"] == "events_skipped"
        async with session.get(f"{base}/_inspect/schema") as reply:
            assert json.loads(await reply.read()) == CONTENT
    assert runtime.stop() == 0
    records = [json.loads(line) for line in file.read_text().splitlines()]
    check([*records, *left_out])
    assert {record["kind"] for record in (*records, *left_out)} >= OF_THE_INSPECTOR
    assert token not in file.read_text()
