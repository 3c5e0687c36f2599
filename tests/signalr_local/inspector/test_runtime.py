"""The whole way of a call through emulator, host and worker, in the events of one runtime."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.endpoint import Endpoint
from signalr_local.inspector.host_events import HostEvents
from signalr_local.inspector.journal import Journal
from signalr_local.inspector.records import line, record
from signalr_local.runtime import Runtime
from tests.conftest import ROOT
from tests.signalr_local.inspector.test_endpoint import check

APP = """
import logging, os
import azure.functions as func
from serverless_signalr import FunctionApp, ServerlessHub, SignalRMessage, run_sync

app = FunctionApp()

class Chat(ServerlessHub, hub="chat"):
    async def tell(self, text: str) -> str:
        logging.info("telling it")
        await self.clients.all.send("told", text)
        return os.environ["Planted"]

    def tell_from_a_thread(self, text: str) -> None:
        logging.info("from a thread")
        run_sync(self.tell(text))

    def fail(self) -> None:
        raise LookupError("my own")

app.register_functions(Chat().blueprint)

@app.route("send", methods=["POST"])
@app.signalr_output("$return", hub="chat")
def send(req: func.HttpRequest) -> SignalRMessage:
    return SignalRMessage(target="told", arguments=["by output"])
"""

PLANTED = "planted-setting-value"


class Running:
    """A runtime with one client of the hub."""

    def __init__(self, runtime: Runtime, journal: Journal, session: aiohttp.ClientSession) -> None:
        self.runtime = runtime
        self.journal = journal
        self.session = session

    async def __call__(self, *calls: str) -> None:
        """Connect, call methods of the hub one after the other, wait for the answer to each, and leave."""
        endpoint = Endpoint.parse(self.runtime.emulator.connection_string)
        headers = {"Authorization": f"Bearer {sign_client_token(endpoint, 'chat', user_id='ann')}"}
        url = f"{endpoint.server_url}/client/?hub=chat"
        async with self.session.ws_connect(url, headers=headers) as socket:
            await socket.send_str('{"protocol":"json","version":1}\x1e')
            for number, call in enumerate(calls):
                method, *arguments = call.split()
                message = {"type": 1, "invocationId": str(number), "target": method, "arguments": arguments}
                await socket.send_str(json.dumps(message) + "\x1e")
                while f'"invocationId":"{number}"' not in (await socket.receive_str()).replace(" ", ""):
                    pass

    def chain(self, start: str, **fields: object) -> list[dict[str, Any]]:
        """Return the events that belong to the one that is given by its kind and fields."""
        events = [record(event) for event in self.journal.after(0)]
        first = next(one for one in events if one["kind"] == start and fields.items() <= one.items())
        return [one for one in events if one.get("trace_id") == first["trace_id"]]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "serverless_signalr").symlink_to(ROOT / "serverless_signalr")
    settings = {"AzureSignalRConnectionString": "", "Planted": PLANTED, "MyApiKey": PLANTED}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": settings}))
    journal = Journal()
    handler = HostEvents(journal)
    logger = logging.getLogger("signalr_local")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    runtime = Runtime(tmp_path, port=0, emulator_port=0, journal=lambda: journal)
    settings["AzureSignalRConnectionString"] = (
        "Endpoint=http://localhost;Port=8888;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;"
    )
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": settings}))
    try:
        await runtime.start()
        async with aiohttp.ClientSession() as session:
            yield Running(runtime, journal, session)
    finally:
        await runtime.stop()
        logger.removeHandler(handler)
        logger.setLevel(level)


async def test_everything_that_a_call_leads_to_belongs_to_it(running: Running) -> None:
    await running("tell hi", "tellFromAThread hi", "fail")
    for target, said in (("tell", "telling it"), ("tellFromAThread", "from a thread")):
        chain = running.chain("client_called", target=target)
        assert [one["kind"] for one in chain if one["kind"] != "log"] == [
            "client_called",
            "upstream_request",
            "invocation_started",
            "service_request",
            "invocation_completed",
            "upstream_response",
            "client_answered",
        ]
        [sent] = [one for one in chain if one["kind"] == "service_request"]
        assert (sent["target"], sent["reached"]) == ("told", 1)
        started = next(one for one in chain if one["kind"] == "invocation_started")
        [logged] = [one for one in chain if one["kind"] == "log" and one["message"] == said]
        assert logged["attributes"]["function.invocation_id"] == started["invocation_id"]
    failed = running.chain("client_called", target="fail")
    [ended] = [one for one in failed if one["kind"] == "invocation_completed"]
    assert (ended["result"], ended["error"]["type"]) == ("failed", "HubException")
    assert [one for one in failed if one["kind"] == "log" and "LookupError: my own" in one["message"]]
    assert failed[-1]["error"] == "fail failed on the server."
    async with running.session.post(f"http://localhost:{running.runtime.host.port}/api/send") as response:
        assert response.status < 500
    by_output = running.chain("invocation_started", function="send")
    [sent] = [one for one in by_output if one["kind"] == "service_request"]
    assert (sent["target"], sent["error"]) == (
        "told",
        "A message reached 0 connections of hub 'chat'. Hubs with connections: none.",
    )
    check([record(event) for event in running.journal.after(0)])
    known = list(running.journal.known())
    assert PLANTED in known
    assert PLANTED not in "".join(line(event, known) for event in running.journal.after(0))
