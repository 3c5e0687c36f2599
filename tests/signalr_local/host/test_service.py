"""The SignalR bindings: connection info for clients, and the app that the tests of outputs use too."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import jwt
import pytest
import pytest_asyncio

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
