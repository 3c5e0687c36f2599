"""The SignalR bindings: connection info for clients, and requests to the service."""

import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import jwt
import pytest
import pytest_asyncio

from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator import DEFAULT_ACCESS_KEY

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

APP = """
import json

import azure.functions as func

app = func.FunctionApp()

def negotiate(name, **properties):
    def handler(req: func.HttpRequest, info: str) -> func.HttpResponse:
        return func.HttpResponse(info, mimetype="application/json")

    handler = app.generic_input_binding(
        "info", type="signalRConnectionInfo", **{"hub_name": "Chat", **properties}
    )(handler)
    handler = app.route(route=f"negotiate/{name}/{{user?}}", methods=["POST"])(handler)
    app.function_name(f"negotiate_{name}")(handler)

def send(name, **properties):
    def handler(req: func.HttpRequest, outbox: func.Out[str]) -> func.HttpResponse:
        text = req.get_body().decode()
        match req.params["as"]:
            case "text":
                outbox.set(text)
            case "bytes":
                outbox.set(text.encode())
            case "value":
                outbox.set(json.loads(text))
        return func.HttpResponse("sent", status_code=202)

    handler = app.generic_output_binding(
        "outbox", type="signalR", **{"hub_name": "Chat", **properties}
    )(handler)
    handler = app.route(route=f"send/{name}", methods=["POST"])(handler)
    app.function_name(f"send_{name}")(handler)

negotiate("anonymous")
negotiate("query", user_id="{query.name}")
negotiate("header", user_id="{headers.x-ms-client-principal-id}")
negotiate("route", user_id="{user}")
negotiate("body", user_id="{profile.name}")
negotiate("setting", user_id="%WHO%", hub_name="%HUB%")
negotiate("missing_setting", user_id="%NOBODY%")
negotiate(
    "claims", id_token="{headers.x-ms-token-aad-id-token}", claim_type_list=["name", "role", "exp", "age"]
)
negotiate("no_claims", id_token="{headers.x-ms-token-aad-id-token}")
for setting in ("Missing", "Broken", "Unreachable"):
    negotiate(setting, connection_string_setting=setting)
    send(setting, connection_string_setting=setting)
send("any")
send("to_hub", hub_name="{query.hub}")

@app.route()
@app.generic_input_binding("info", type="signalRConnectionInfo", hub_name="chat")
def text(req: func.HttpRequest, info) -> str:
    return info

@app.route()
@app.generic_output_binding("second", type="signalR", hub_name="second")
@app.generic_output_binding("first", type="signalR", hub_name="first")
def two(req: func.HttpRequest, first: func.Out[str], second: func.Out[str]) -> str:
    for outbox, name in ((second, "second"), (first, "first")):
        outbox.set({"target": name, "arguments": []})
    return "sent"

@app.generic_trigger(
    "invocation", type="signalRTrigger", hub_name="chat", category="messages", event="returns"
)
@app.generic_output_binding("$return", type="signalR", hub_name="chat")
def returns(invocation: str):
    return json.loads(invocation)["Arguments"][0]
"""


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """Return a port of ours where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost, signalr_settings: dict[str, str], closed_port: int) -> Any:
    """Run one app for all tests: none of them changes it."""
    settings = {
        **signalr_settings,
        "WHO": "{query.name}",
        "HUB": "Other",
        "Broken": "Endpoint=http://localhost;Secret=hush",
        "Unreachable": f"Endpoint=http://127.0.0.1:{closed_port};AccessKey={DEFAULT_ACCESS_KEY}",
    }
    return await start_shared_host(APP, settings=settings)


def claims(token: str) -> dict[str, Any]:
    """Return what a token says, its signature being right."""
    found: dict[str, Any] = jwt.decode(
        token, DEFAULT_ACCESS_KEY, algorithms=["HS256"], options={"verify_aud": False}
    )
    return found


# Connection info.


async def test_connection_info_opens_the_service_for_an_hour(app: Any, service: Any) -> None:
    reply = await app.post("/api/negotiate/anonymous")
    assert reply.status == 200
    info = reply.json()
    assert list(info) == ["url", "accessToken"]
    assert info["url"] == f"http://127.0.0.1:{service.port}/client/?hub=chat"
    token = claims(info["accessToken"])
    assert token["aud"] == info["url"]
    assert token["exp"] - token["iat"] == 3600
    assert token.keys() == {"aud", "exp", "iat", "nbf"}
    assert service.requests == []


async def test_connection_info_is_indented_text_for_the_function(app: Any) -> None:
    reply = await app.post("/api/negotiate/anonymous")
    assert reply.text.startswith('{\n  "url": "')


async def test_connection_info_may_be_returned_as_it_is(app: Any) -> None:
    reply = await app.get("/api/text")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.json()["url"].endswith("/client/?hub=chat")


@pytest.mark.parametrize(
    ("path", "options", "user"),
    [
        ("query?name=ann", {}, "ann"),
        ("query?name=", {}, ""),
        ("query?name=%7Bquery.name%7D%25WHO%25", {}, "{query.name}%WHO%"),
        ("query?name=1&name=2", {}, "2"),
        ("header", {"headers": {"X-MS-Client-Principal-Id": "ann"}}, "ann"),
        ("route/a%20b", {}, "a b"),
        ("body", {"json": {"profile": {"name": "ann"}}}, "ann"),
        ("setting?name=ann", {}, "ann"),
    ],
)
async def test_the_user_is_whom_the_expression_names(
    app: Any, path: str, options: dict[str, Any], user: str
) -> None:
    reply = await app.post(f"/api/negotiate/{path}", **options)
    assert claims(reply.json()["accessToken"])["asrs.s.uid"] == user


async def test_the_hub_may_be_a_setting(app: Any) -> None:
    info = (await app.post("/api/negotiate/setting?name=ann")).json()
    assert info["url"].endswith("/client/?hub=other")


async def test_claims_are_those_that_the_list_names(app: Any) -> None:
    token = jwt.encode(
        {"name": "Ann", "role": ["a", "b"], "exp": 1, "age": 5, "aud": "x", "other": "o"}, "k" * 32
    )
    headers = {"x-ms-token-aad-id-token": token}
    info = (await app.post("/api/negotiate/claims", headers=headers)).json()
    found = claims(info["accessToken"])
    assert {name: found[name] for name in found.keys() - {"aud", "exp", "iat", "nbf"}} == {
        "name": ["Ann"],
        "role": ["a", "b"],
        "asrs.u.exp": ["1"],
        "age": ["5"],
    }


async def test_without_a_list_no_claim_is_taken(app: Any) -> None:
    info = (await app.post("/api/negotiate/no_claims")).json()
    assert claims(info["accessToken"]).keys() == {"aud", "exp", "iat", "nbf"}


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (
            "query",
            "Exception binding parameter 'info': Error while accessing 'name': property doesn't exist. "
            "The binding asks for {query.name}: send the request with ?name=…, or change the setting that "
            "asks.",
        ),
        (
            "header",
            "Exception binding parameter 'info': Error while accessing 'x-ms-client-principal-id': property "
            "doesn't exist. The binding asks for {headers.x-ms-client-principal-id}: send the request with "
            "the header x-ms-client-principal-id, or change the setting that asks.",
        ),
        (
            "route",
            "Exception binding parameter 'info': No value for named parameter 'user'. The binding asks for "
            "{user}: the request must hold it, or the binding must not ask for it.",
        ),
        (
            "missing_setting",
            "Exception binding parameter 'info': '%NOBODY%' does not resolve to a value. The binding asks "
            "for %NOBODY%: add the setting NOBODY to local.settings.json.",
        ),
        (
            "Missing",
            "Exception binding parameter 'info': the app setting Missing is not set, expected the connection "
            "string of the service (Endpoint=…;AccessKey=…;Version=1.0;), a Key Vault reference to it, or "
            "Missing__serviceUri with the address of the service to use an identity: set it in the function "
            "app's environment variables in Azure, and in Values of local.settings.json on your machine; "
            "seen: AzureSignalRConnectionString",
        ),
        (
            "Broken",
            "Exception binding parameter 'info': the app setting Broken is invalid: part 2 of the connection "
            "string is not a known Name=Value pair; seen: Endpoint",
        ),
    ],
)
async def test_what_is_missing_is_told_to_the_developer(app: Any, log: Any, path: str, detail: str) -> None:
    reply = await app.post(f"/api/negotiate/{path}")
    assert reply.status == 500
    assert reply.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert reply.json() == {"title": "Internal Server Error", "status": 500, "detail": detail}
    assert detail in log.find(f"Exception while executing function: Functions.negotiate_{path}").getMessage()
    assert log.find(f"Executed 'Functions.negotiate_{path}' \\(Failed").levelname == "ERROR"


async def test_an_id_token_that_is_none_is_told_to_the_developer(app: Any) -> None:
    headers = {"x-ms-token-aad-id-token": "Bearer abc"}
    reply = await app.post("/api/negotiate/claims", headers=headers)
    assert reply.status == 500
    assert reply.json()["detail"] == (
        "Exception binding parameter 'info': idToken is no token: Not enough segments."
    )


# Outputs.


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


@pytest.mark.parametrize(
    "setting",
    ["AzureSignalRRetry__MaxRetries", "Azure__SignalR__HubProtocol__MessagePack__Enabled"],
)
async def test_settings_of_the_sdk_change_nothing(
    start_host: StartHost, signalr_settings: dict[str, str], service: Any, log: Any, setting: str
) -> None:
    value = "3" if setting.endswith("Retries") else "true"
    app = await start_host(APP, settings={**signalr_settings, setting: value})
    log.find(f"^Not used by the local runtime: {setting}.$")
    service.answer(503)
    assert (await app.post("/api/send/any?as=value", json={"target": "t"})).status == 500
    [request] = service.requests
    assert request.headers["Content-Type"].startswith("application/json")
