"""The decorator of a function that says who negotiates."""

import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import jwt
import pytest

from serverless_signalr import Blueprint, FunctionApp, SignalRUser
from serverless_signalr.testing import FakeService, request

CONNECTION = "Endpoint=https://chat.service.signalr.net;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789;"


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureSignalRConnectionString", CONNECTION)


def who(req: func.HttpRequest) -> SignalRUser | None:
    name = req.params.get("user")
    return SignalRUser(name, {"role": ["author"]}) if name else None


def functions_of(app: FunctionApp) -> dict[str, Any]:
    return {str(function.get_function_name()): function for function in app.get_functions()}


async def test_decorated_function_says_who_negotiates() -> None:
    app = FunctionApp(hub="chat")
    assert app.signalr_negotiate()(who) is who
    done = await request(app, "POST", "/api/negotiate?user=ann")
    assert done.status == 200
    payload = jwt.decode(done.json()["accessToken"], options={"verify_signature": False})
    assert (payload["asrs.s.uid"], payload["role"]) == ("ann", ["author"])
    assert set(done.json()) == {"url", "accessToken"}
    assert (await request(app, "POST", "/api/negotiate")).status == 401


async def test_functions_are_named_after_the_decorated_one() -> None:
    app = FunctionApp()
    app.signalr_negotiate("chat/negotiate", hub="chat", refresh=True)(who)
    found = functions_of(app)
    assert {name: each.get_trigger().route for name, each in found.items()} == {
        "who": "chat/negotiate",
        "who_refresh": "chat/refresh",
    }
    for each in found.values():
        assert each.get_trigger().auth_level == func.AuthLevel.ANONYMOUS


async def test_blueprint_has_the_decorator_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Other", CONNECTION.replace("chat", "other"))
    blueprint = Blueprint(hub="chat", connection="Other")
    blueprint.signalr_negotiate(refresh=True)(who)
    app = FunctionApp()
    app.register_functions(blueprint)
    sent = func.HttpRequest("POST", "/", params={"user": "ann"}, body=b"")
    response = await functions_of(app)["who"].get_user_function()(req=sent)
    assert json.loads(response.get_body())["url"] == "https://other.service.signalr.net/client/?hub=chat"


async def test_connection_is_refreshed_by_the_same_function() -> None:
    app = FunctionApp(hub="chat")
    app.signalr_negotiate(refresh=True)(who)
    with FakeService() as service:
        ann = service.connect("chat", user_id="ann")
        headers = {"X-SignalR-Connection-Token": ann.connection_token}
        assert (await request(app, "POST", "/api/refresh", headers=headers)).status == 401
        assert (await request(app, "POST", "/api/refresh?user=bob", headers=headers)).status == 403
        done = await request(app, "POST", "/api/refresh?user=ann", headers=headers)
    assert set(json.loads(done.text)) == {"accessToken", "tokenLifetimeSeconds"}
    assert ann.claims["role"] == ("author",)


def routed(app: FunctionApp) -> Any:
    return app.route("negotiate")(who)


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (lambda app: app.signalr_negotiate(who), "write @….signalr_negotiate\\(\\), with parentheses"),
        (lambda app: app.signalr_negotiate(hub="chat")(routed(app)), "without other decorators"),
        (lambda app: app.signalr_negotiate(hub="chat")(None), "without other decorators"),
        (lambda app: app.signalr_negotiate()(who), "needs the name of a hub"),
        (lambda app: app.signalr_negotiate(hub="%HUB%")(who), "the hub name '%HUB%'"),
        (lambda app: app.signalr_negotiate("connect", hub="chat", refresh=True)(who), "end in negotiate"),
        (lambda app: app.signalr_negotiate(hub="chat", refreshes=True), "refreshes"),
    ],
)
def test_mistake_is_refused_where_it_is_written(write: Callable[[Any], object], error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        write(FunctionApp())
