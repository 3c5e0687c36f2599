"""The SignalR output: what functions set or return, and the requests to the service."""

import json
from typing import Any

import pytest

from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator import DEFAULT_ACCESS_KEY
from tests.signalr_local.host.test_service import app, claims, closed_port

__all__ = ["app", "closed_port"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("form", ["text", "value"])
@pytest.mark.parametrize(
    ("item", "line", "body"),
    [
        ({"target": "t"}, "POST /:send", {"target": "t", "arguments": []}),
        ({"target": "t", "arguments": None}, "POST /:send", {"target": "t", "arguments": []}),
        (
            {"target": "t", "arguments": [1, "é", None, {"a": [True]}]},
            "POST /:send",
            {"target": "t", "arguments": [1, "é", None, {"a": [True]}]},
        ),
        (
            {"target": "t", "arguments": ["2026-10-21T10:00:00.5Z"]},
            "POST /:send",
            {"target": "t", "arguments": ["2026-10-21T10:00:00.5Z"]},
        ),
        (
            {"target": "t", "ARGUMENTS": [1], "other": 1},
            "POST /:send",
            {"target": "t", "arguments": [1]},
        ),
        (
            {"target": "t", "userId": "", "groupName": None},
            "POST /:send",
            {"target": "t", "arguments": []},
        ),
        (
            {"target": "t", "groupName": "a/b ü"},
            "POST /groups/a%2Fb%20%C3%BC/:send",
            {"target": "t", "arguments": []},
        ),
        (
            {"target": "t", "userId": "ann@a.b", "groupName": "g"},
            "POST /users/ann@a.b/:send",
            {"target": "t", "arguments": []},
        ),
        (
            {"target": "t", "connectionId": "c", "userId": "u", "groupName": "g"},
            "POST /connections/c/:send",
            {"target": "t", "arguments": []},
        ),
        (
            {"target": "t", "action": "add", "groupName": "g", "userId": "u"},
            "POST /users/u/:send",
            {"target": "t", "arguments": []},
        ),
        ({"action": "add", "groupName": "g", "userId": "u"}, "PUT /users/u/groups/g", None),
        (
            {"action": "add", "groupName": "g", "connectionId": "c", "userId": "u"},
            "PUT /groups/g/connections/c",
            None,
        ),
        ({"action": "REMOVE", "groupName": "g/h", "userId": "u"}, "DELETE /users/u/groups/g%2Fh", None),
        (
            {"action": "remove", "groupName": "g", "connectionId": "c"},
            "DELETE /groups/g/connections/c",
            None,
        ),
        ({"action": "removeAll", "userId": "u"}, "DELETE /users/u/groups", None),
        ({"Action": "removeAll", "userId": "u", "groupName": "g"}, "DELETE /users/u/groups", None),
    ],
)
async def test_an_item_becomes_a_request(
    app: Any, service: Any, form: str, item: object, line: str, body: object
) -> None:
    reply = await app.post(f"/api/send/any?as={form}", json=item)
    assert (reply.status, reply.text) == (202, "sent")
    method, _, path = line.partition(" ")
    [request] = service.requests
    assert (request.method, request.path) == (method, f"/api/hubs/chat{path}")
    assert request.query == "api-version=2022-06-01"
    if body is None:
        assert request.body == b""
    else:
        assert request.json() == body
        assert request.headers["Content-Type"].startswith("application/json")


async def test_a_request_carries_a_token_for_its_address(app: Any, service: Any) -> None:
    await app.post("/api/send/any?as=value", json={"target": "t", "groupName": "a b"})
    [request] = service.requests
    scheme, _, token = request.headers["Authorization"].partition(" ")
    assert scheme == "Bearer"
    assert claims(token)["aud"] == f"http://127.0.0.1:{service.port}{request.path}"


@pytest.mark.parametrize("form", ["text", "value"])
async def test_items_of_a_list_go_out_in_their_order(app: Any, service: Any, form: str) -> None:
    items: list[dict[str, object]] = [{"target": str(number)} for number in range(5)]
    items.insert(2, {"action": "add", "groupName": "g", "userId": "u"})
    assert (await app.post(f"/api/send/any?as={form}", json=items)).status == 202
    assert service.requests[2].method == "PUT"
    del service.requests[2]
    assert [request.json()["target"] for request in service.requests] == ["0", "1", "2", "3", "4"]


async def test_outputs_of_one_function_go_out_in_the_order_of_their_bindings(app: Any, service: Any) -> None:
    assert (await app.get("/api/two")).text == "sent"
    assert [request.json()["target"] for request in service.requests] == ["first", "second"]
    assert [request.path for request in service.requests] == [
        "/api/hubs/first/:send",
        "/api/hubs/second/:send",
    ]


@pytest.mark.parametrize(("form", "body"), [("nothing", b"{}"), ("value", b"null"), ("value", b"[]")])
async def test_an_output_that_is_not_set_sends_nothing(
    app: Any, service: Any, form: str, body: bytes
) -> None:
    assert (await app.post(f"/api/send/any?as={form}", data=body)).status == 202
    assert service.requests == []


async def test_the_hub_of_an_output_may_be_an_expression(app: Any, service: Any) -> None:
    await app.post("/api/send/to_hub?as=value&hub=Room.1", json={"target": "t"})
    assert service.lines == ["POST /api/hubs/room.1/:send"]


@pytest.mark.parametrize(
    ("form", "body", "reason"),
    [
        (
            "text",
            b"hello",
            "the output is a text that is no JSON (hello is no value: line 1 column 6): 'hello'",
        ),
        ("text", b'"hello"', "a SignalR output takes a JSON object or a list of objects, got str."),
        ("value", b"5", "a SignalR output takes a JSON object or a list of objects, got int."),
        ("bytes", b"{}", "the output is bytes, expected a JSON object or a list of objects"),
        ("value", b'[{"target": "t"}, "x"]', "or a list of objects, got str."),
        ("value", b"{}", "Unable to convert JObject to valid output binding type, check parameters."),
        ("value", b'{"action": "join"}', "Unable to convert JObject to valid output binding type"),
        ("value", b'{"target": "t", "arguments": "a"}', "check parameters. arguments must be a list."),
        (
            "value",
            b'{"action": "add", "groupName": "g"}',
            "ConnectionId and UserId cannot be null or empty together",
        ),
        ("value", b'{"action": "removeAll"}', "ConnectionId and UserId cannot be null or empty together"),
        ("value", b'{"action": "add", "userId": "u"}', "GroupName cannot be null or empty"),
    ],
)
async def test_an_output_that_is_wrong_fails_the_function(
    app: Any, service: Any, log: Any, form: str, body: bytes, reason: str
) -> None:
    reply = await app.post(f"/api/send/any?as={form}", data=body)
    assert reply.status == 500
    assert reply.json()["detail"].startswith("Exception binding parameter 'outbox': ")
    assert reason in reply.json()["detail"]
    assert reason in log.find("Exception while executing function: Functions.send_any").getMessage()
    assert service.requests == []


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500, 503])
async def test_a_refusal_of_the_service_fails_the_function(
    app: Any, service: Any, log: Any, status: int
) -> None:
    service.answer(status, "no", x_ms_error_code="Error.Some")
    reply = await app.post("/api/send/any?as=value", json={"target": "t"})
    assert reply.status == 500
    expected = f"POST /api/hubs/chat/:send failed with {status} (Error.Some; no): "
    assert expected in log.find("Exception while executing function: Functions.send_any").getMessage()
    assert len(service.requests) == 1


async def test_the_first_refusal_keeps_the_rest_back(app: Any, service: Any) -> None:
    service.answer(202)
    service.answer(500)
    items = [{"target": "one"}, {"target": "two"}, {"target": "three"}]
    assert (await app.post("/api/send/any?as=value", json=items)).status == 500
    assert [request.json()["target"] for request in service.requests] == ["one", "two"]


async def test_a_service_that_is_not_there_fails_the_function(app: Any, log: Any, closed_port: int) -> None:
    reply = await app.post("/api/send/Unreachable?as=value", json={"target": "t"})
    assert reply.status == 500
    told = log.find("Exception while executing function: Functions.send_Unreachable").getMessage()
    assert "POST /api/hubs/chat/:send failed: no connection: " in told
    assert f"127.0.0.1:{closed_port}" in told


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("Missing", "the app setting Missing is not set"),
        ("Broken", "the app setting Broken is invalid: part 2 of the connection string"),
    ],
)
async def test_a_connection_that_cannot_be_used_fails_the_function(
    app: Any, setting: str, reason: str
) -> None:
    reply = await app.post(f"/api/send/{setting}?as=value", json={"target": "t"})
    assert reply.status == 500
    assert reason in reply.json()["detail"]
    assert "hush" not in reply.text


@pytest.mark.parametrize(
    ("action", "code", "status"),
    [
        ("add", "Error.Connection.NotExisted", 202),
        ("add", "Error.Other", 500),
        ("remove", "Error.Connection.NotExisted", 500),
    ],
)
async def test_adding_a_connection_that_is_gone_is_no_error(
    app: Any, service: Any, action: str, code: str, status: int
) -> None:
    service.answer(404, x_ms_error_code=code)
    items = [{"action": action, "groupName": "g", "connectionId": "c"}, {"target": "t"}]
    assert (await app.post("/api/send/any?as=value", json=items)).status == status
    assert len(service.requests) == (2 if status == 202 else 1)


@pytest.mark.parametrize(
    ("returned", "targets"),
    [
        ({"target": "one"}, ["one"]),
        ([{"target": "one"}, {"target": "two"}], ["one", "two"]),
        ('{"target": "one"}', ["one"]),
        (None, []),
    ],
)
async def test_a_returned_value_is_sent_and_answers_the_caller_too(
    app: Any, service: Any, returned: object, targets: list[str]
) -> None:
    event = UpstreamEvent("chat", "messages", "returns", "c1")
    body = {"type": 1, "invocationId": "0", "target": "returns", "arguments": [returned]}
    reply = await app.deliver(event.headers([DEFAULT_ACCESS_KEY]), body)
    assert json.loads(reply.text.removesuffix("\x1e"))["result"] == returned
    assert [request.json()["target"] for request in service.requests] == targets
