"""One run of a function: its inputs, and what becomes of its outputs."""

import json
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import (
    FunctionApp,
    HubException,
    SignalREndpoint,
    SignalRGroupAction,
    SignalRInvocationContext,
    SignalRMessage,
    SignalRNegotiation,
    SignalROutput,
)
from serverless_signalr.testing import FakeService, GroupAction, Message, call, request
from tests.serverless_signalr._testing.apps import room_app


@pytest.fixture
def app() -> FunctionApp:
    return FunctionApp(hub="chat")


async def test_output_of_another_kind_is_read_back() -> None:
    assert (await call(room_app(), "queueUp", "later")).outputs == {"queue": "later"}


async def test_input_of_another_kind_is_passed_or_asked_for(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @app.blob_input("note", path="notes/n.txt", connection="Storage")
    def read(note: str, text: str) -> str:
        return f"{note}: {text}"

    assert (await call(app, "read", "hi", inputs={"note": "n"})).result == "n: hi"
    with pytest.raises(
        LookupError, match=r"reads the binding note \(blob\): pass its value with inputs=\{'note'"
    ):
        await call(app, "read", "hi")


async def test_instances_of_the_service_are_the_fake_one(app: FunctionApp) -> None:
    @app.route("offers")
    @app.signalr_negotiation_input()
    @app.signalr_endpoints_input()
    def offers(
        req: func.HttpRequest, negotiation: SignalRNegotiation, endpoints: list[SignalREndpoint]
    ) -> str:
        [(endpoint, info)] = negotiation.endpoints
        return json.dumps([endpoints == [endpoint], endpoint.online, info.url])

    found = (await request(app, "GET", "/api/offers")).json()
    assert found == [True, True, "http://fake-service.test/client/?hub=chat"]


async def test_return_value_may_be_the_output(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @app.signalr_output("$return")
    def arrive(invocation: SignalRInvocationContext) -> Any:
        return [
            SignalRGroupAction(action="add", group_name="g", user_id="ann"),
            SignalRMessage(target="hello", arguments=["ann"], group_name="g"),
        ]

    done = await call(app, "arrive", user_id="ann")
    assert done.everything == [GroupAction("add", "g", user_id="ann"), Message("hello", "ann")]


async def test_output_of_a_function_that_fails_is_not_sent(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @app.signalr_output()
    def fail(outbox: SignalROutput) -> None:
        outbox.send("news")
        raise ValueError

    with FakeService() as service, pytest.raises(HubException, match="fail failed on the server"):
        await call(app, "fail")
    assert service.sent.everything == []


@pytest.mark.parametrize(
    ("item", "sent"),
    [
        ({"Target": "news", "Arguments": [1]}, Message("news", 1)),
        ({"target": "news"}, Message("news")),
        ({"action": "ADD", "groupName": "g", "userId": "u"}, GroupAction("add", "g", user_id="u")),
        ({"action": "remove", "groupName": "g", "userId": "u"}, GroupAction("remove", "g", user_id="u")),
        ({"action": "removeAll", "userId": "u"}, GroupAction("remove", None, user_id="u")),
        (
            {"action": "add", "groupName": "g", "connectionId": "c", "userId": "u"},
            GroupAction("add", "g", connection_id="c"),
        ),
        (
            {"action": "remove", "groupName": "g", "connectionId": "c"},
            GroupAction("remove", "g", connection_id="c"),
        ),
    ],
)
async def test_generic_output_is_read_as_the_extension_reads_it(
    item: dict[str, object], sent: object
) -> None:
    app = func.FunctionApp()

    @app.route("send")
    @app.generic_output_binding("out", "signalR", hubName="chat")
    def send(req: func.HttpRequest, out: func.Out[str]) -> str:
        out.set(json.dumps([item]))
        return ""

    assert (await request(app, "GET", "/api/send")).everything == [sent]


async def test_unknown_action_is_refused() -> None:
    app = func.FunctionApp()

    @app.route("send")
    @app.generic_output_binding("out", "signalR", hubName="chat")
    def send(req: func.HttpRequest, out: func.Out[str]) -> str:
        out.set('{"action": "join", "groupName": "g", "userId": "u"}')
        return ""

    with pytest.raises(ValueError, match="the group action is 'join', expected add, remove or removeAll"):
        await request(app, "GET", "/api/send")
