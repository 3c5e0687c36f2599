"""Whom a negotiate function lets in, and as whom."""

import base64
import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import azure.functions as func
import jwt
import pytest

from serverless_signalr import FunctionApp, Principal, ServerlessHub, SignalRUser, platform_user

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
AUDIENCE = "https://chat.service.signalr.net/client/?hub=chat"

LOCAL = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "WEBSITE_HOSTNAME": "localhost:7071"}
AZURE = {"WEBSITE_HOSTNAME": "chat.azurewebsites.net", "WEBSITE_AUTH_ENABLED": "True"}
OPEN = {"WEBSITE_HOSTNAME": "chat.azurewebsites.net"}

VERIFIED = {
    "x-ms-client-principal-id": "ann",
    "x-ms-client-principal": base64.b64encode(
        json.dumps(
            {"auth_typ": "aad", "claims": [{"typ": "roles", "val": "admin"}], "role_typ": "roles"}
        ).encode()
    ).decode(),
}


class Chat(ServerlessHub, hub="chat"):
    pass


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;"
    monkeypatch.setenv("AzureSignalRConnectionString", text)


@pytest.fixture(params=[LOCAL], ids=["local"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the app run where the settings say."""
    for name in ("AZURE_FUNCTIONS_ENVIRONMENT", "WEBSITE_HOSTNAME", "WEBSITE_AUTH_ENABLED"):
        monkeypatch.delenv(name, raising=False)
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)


in_azure = pytest.mark.parametrize("place", [AZURE], indirect=True, ids=["azure"])
in_azure_without_authentication = pytest.mark.parametrize("place", [OPEN], indirect=True, ids=["open"])


async def negotiate(
    headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None, **options: Any
) -> func.HttpResponse:
    """Ask the negotiate function of a hub that was added with these options."""
    chat = Chat()
    chat.add_negotiate(**options)
    app = FunctionApp()
    app.register_functions(chat)
    [function] = app.get_functions()
    request = func.HttpRequest("POST", "/", headers=headers or {}, params=query or {}, body=b"")
    response: func.HttpResponse = await function.get_user_function()(req=request)
    return response


def claims_of(response: func.HttpResponse) -> dict[str, Any]:
    """Return what the token of an answer says, once the service has accepted it."""
    assert response.status_code == 200, response.get_body()
    token = json.loads(response.get_body())["accessToken"]
    found: dict[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"], audience=AUDIENCE)
    return found


def assert_refused(response: func.HttpResponse) -> None:
    assert (response.status_code, response.get_body()) == (401, b"Sign in first.")


# Without a function that says who it is.


@in_azure
@pytest.mark.usefixtures("place")
async def test_verified_user_is_let_in_with_its_roles() -> None:
    claims = claims_of(await negotiate(VERIFIED))
    assert (claims["asrs.s.uid"], claims["role"]) == ("ann", ["admin"])


@in_azure
@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("query", [{}, {"user": "ann"}, {"user": "ann", "role": "admin"}])
async def test_nobody_is_let_in_without_an_identity_in_azure(query: dict[str, str]) -> None:
    assert_refused(await negotiate(query=query))


@in_azure_without_authentication
@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("anonymous", [False, True])
async def test_identity_that_anybody_can_send_is_refused(
    anonymous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "serverless_signalr"):
        assert_refused(await negotiate(VERIFIED, anonymous=anonymous))
    assert "App Service Authentication is off" in caplog.text


@in_azure
@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("anonymous", [False, True])
async def test_identity_that_cannot_be_read_is_refused(anonymous: bool) -> None:
    assert_refused(await negotiate({"x-ms-client-principal": "not base64!"}, anonymous=anonymous))


@in_azure
@pytest.mark.usefixtures("place")
async def test_anonymous_client_is_let_in_where_it_is_said_without_what_its_query_says() -> None:
    claims = claims_of(await negotiate(query={"user": "ann", "role": "admin"}, anonymous=True))
    assert set(claims) == {"aud", "iat", "nbf", "exp"}


@pytest.mark.usefixtures("place")
async def test_anybody_is_whoever_they_say_on_a_developers_machine() -> None:
    claims = claims_of(await negotiate(query={"user": "ann", "role": "admin, author"}))
    assert (claims["asrs.s.uid"], claims["role"]) == ("ann", ["admin", "author"])


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("query", [{}, {"user": ""}, {"role": "admin"}])
async def test_nobody_is_let_in_on_a_developers_machine_either(query: dict[str, str]) -> None:
    assert_refused(await negotiate(query=query))


# With one.


def text(req: func.HttpRequest) -> str:
    return str(req.params["who"])


async def later(req: func.HttpRequest) -> str:
    return str(req.params["who"])


def with_claims(req: func.HttpRequest) -> SignalRUser:
    return SignalRUser(req.params["who"], {"role": ["admin"], "desk": "main"})


def principal(req: func.HttpRequest) -> Principal:
    return Principal(req.params["who"], roles=("admin",))


class Directory:
    async def __call__(self, req: func.HttpRequest) -> str:
        return str(req.params["who"])


@pytest.mark.parametrize(
    ("user", "claims"),
    [
        pytest.param(text, {}, id="text"),
        pytest.param(later, {}, id="async"),
        pytest.param(lambda req: later(req), {}, id="awaitable"),
        pytest.param(Directory(), {}, id="object"),
        pytest.param(with_claims, {"role": ["admin"], "desk": "main"}, id="claims"),
        pytest.param(principal, {"role": ["admin"]}, id="principal"),
    ],
)
async def test_user_is_whom_the_function_returns(user: Any, claims: dict[str, Any]) -> None:
    found = claims_of(await negotiate(query={"who": "ann"}, user=user))
    assert found["asrs.s.uid"] == "ann"
    assert {name: found[name] for name in claims} == claims


@pytest.mark.parametrize(
    "found",
    [None, "", SignalRUser(None), SignalRUser("", {"role": "admin"}), SignalRUser(None, {"role": "a"})],
)
async def test_nobody_is_let_in_where_the_function_knows_nobody(found: Any) -> None:
    assert_refused(await negotiate(user=lambda req: found))


async def test_anonymous_client_may_have_claims_that_the_function_gives() -> None:
    user = SignalRUser(None, {"desk": "main"})
    claims = claims_of(await negotiate(user=lambda req: user, anonymous=True))
    assert (claims.get("asrs.s.uid"), claims["desk"]) == (None, "main")


async def test_function_may_refuse_with_a_reason_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(req: func.HttpRequest) -> str:
        raise PermissionError("the licence has ended")

    with caplog.at_level(logging.WARNING, "serverless_signalr"):
        assert_refused(await negotiate(user=refuse, anonymous=True))
    assert "refused a negotiate request for the hub chat: the licence has ended" in caplog.text


async def test_function_that_fails_lets_nobody_in() -> None:
    def fail(req: func.HttpRequest) -> str:
        raise KeyError("user")

    with pytest.raises(KeyError):
        await negotiate(user=fail, anonymous=True)


@pytest.mark.parametrize("found", [7, True, {"id": "ann"}, ["ann"]])
async def test_function_that_returns_something_else_is_told_what_is_expected(found: Any) -> None:
    with pytest.raises(TypeError, match="expected a SignalRUser, a Principal, a user id or None"):
        await negotiate(user=lambda req: found, anonymous=True)


async def test_user_that_the_service_would_take_for_another_is_refused() -> None:
    with pytest.raises(ValueError, match="role"):
        await negotiate(user=lambda req: "x, role: admin")


# The function and its answer.


async def test_answer_is_never_cached() -> None:
    response = await negotiate(user=lambda req: "ann")
    assert (response.headers["Cache-Control"], response.mimetype) == ("no-store", "application/json")
    assert (await negotiate(user=lambda req: None)).headers["Cache-Control"] == "no-store"


async def test_options_are_those_of_the_token() -> None:
    claims = claims_of(
        await negotiate(
            user=lambda req: "ann",
            lifetime=timedelta(minutes=5),
            close_on_expiry=True,
            detailed_errors=True,
        )
    )
    assert claims["exp"] - claims["nbf"] == 300
    assert (claims["asrs.s.coae"], claims["asrs.s.derror"]) == ("true", "true")


def test_function_is_anonymous_and_named_after_the_hub() -> None:
    chat = Chat()
    chat.add_negotiate("chat/negotiate")
    app = FunctionApp()
    app.register_functions(chat)
    [function] = app.get_functions()
    trigger: Any = function.get_trigger()
    assert function.get_function_name() == "chat_negotiate"
    assert (trigger.route, trigger.auth_level) == ("chat/negotiate", func.AuthLevel.ANONYMOUS)
    assert [method.value for method in trigger.methods] == ["POST"]


@in_azure
@pytest.mark.usefixtures("place")
def test_user_of_the_platform_may_be_asked_for_by_functions_of_ones_own() -> None:
    request = func.HttpRequest("POST", "/", headers=VERIFIED, body=b"")
    assert platform_user(request) == SignalRUser("ann", {"role": ("admin",)})
