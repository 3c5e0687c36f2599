"""The functions with which clients negotiate and refresh: their answers, and services without refresh."""

import json
import logging
from typing import Any

import azure.functions as func
import jwt
import pytest

from serverless_signalr import (
    FunctionApp,
    ServerlessHub,
    ServiceUnavailableError,
)
from tests.serverless_signalr.rest_service import Service

HEADERS = {"X-SignalR-Connection-Token": "secret"}
ANN = {"claims": [{"type": "asrs.s.uid", "value": "ann"}]}
TOO_OLD = {"message": "The query parameter api-version '2026-07-01' is not known."}


class Chat(ServerlessHub, hub="chat"):
    pass


def app_of(**options: Any) -> FunctionApp:
    chat = Chat()
    chat.add_negotiate(user=lambda req: "ann", refresh=True, **options)
    app = FunctionApp()
    app.register_functions(chat)
    return app


type Functions = dict[str, Any]


def functions_of(app: FunctionApp) -> Functions:
    return {str(each.get_function_name()): each.get_user_function() for each in app.get_functions()}


@pytest.fixture
def setting(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureSignalRConnectionString", service.connection_string)


async def ask(app: Functions, name: str, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """Run a function of the app as the worker does."""
    sent = func.HttpRequest("POST", "/", headers=headers or {}, params={}, body=b"")
    response: func.HttpResponse = await app[name](req=sent)
    return response


async def refresh(app: Functions) -> func.HttpResponse:
    return await ask(app, "chat_negotiate_refresh", HEADERS)


async def negotiated(app: Functions) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await ask(app, "chat_negotiate")).get_body())
    return found


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.mark.usefixtures("setting")
async def test_service_that_is_too_old_leaves_the_app_as_it_was_with_one_warning(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    app = functions_of(app_of())
    info = await negotiated(app)
    assert info["tokenLifetimeSeconds"] == 3600
    assert claims_of(info["accessToken"])["asrs.s.coae"] == "true"
    service.answer(400, TOO_OLD, times=3)
    caplog.set_level(logging.WARNING, "serverless_signalr")
    for _ in range(3):
        response = await refresh(app)
        assert (response.status_code, response.headers["Cache-Control"]) == (501, "no-store")
    info = await negotiated(app)
    assert set(info) == {"url", "accessToken"}
    assert "asrs.s.coae" not in claims_of(info["accessToken"])
    [record] = caplog.records
    assert "connections of the hub chat cannot be refreshed: the service does not support" in record.message
    assert record.message.endswith("and stay connected when their token expires")
    assert "secret" not in record.message


@pytest.mark.usefixtures("setting")
async def test_connections_that_the_app_wants_closed_are_closed_by_an_old_service_too(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    app = functions_of(app_of(close_on_expiry=True))
    service.answer(400, TOO_OLD)
    caplog.set_level(logging.WARNING, "serverless_signalr")
    await refresh(app)
    assert claims_of((await negotiated(app))["accessToken"])["asrs.s.coae"] == "true"
    assert "stay connected" not in caplog.text


@pytest.mark.usefixtures("setting")
async def test_service_that_has_become_newer_is_used(service: Service) -> None:
    app = functions_of(app_of())
    service.answer(400, TOO_OLD)
    await refresh(app)
    service.answer(200, ANN)
    assert (await refresh(app)).status_code == 200
    assert (await negotiated(app))["tokenLifetimeSeconds"] == 3600


@pytest.mark.usefixtures("setting")
@pytest.mark.parametrize(("status", "answer"), [(403, 403), (404, 404)])
async def test_refusal_of_one_connection_changes_nothing_for_others(
    service: Service, status: int, answer: int
) -> None:
    app = functions_of(app_of())
    service.answer(status)
    assert (await refresh(app)).status_code == answer
    assert (await negotiated(app))["tokenLifetimeSeconds"] == 3600


@pytest.mark.usefixtures("setting")
async def test_service_that_fails_fails_the_refresh(service: Service, pauses: list[float]) -> None:
    app = functions_of(app_of())
    service.answer(503, times=9)
    with pytest.raises(ServiceUnavailableError):
        await refresh(app)


@pytest.mark.usefixtures("setting")
async def test_new_token_is_the_one_that_negotiate_would_give(service: Service) -> None:
    app = functions_of(app_of())
    service.answer(200, ANN)
    body = json.loads((await refresh(app)).get_body())
    assert set(body) == {"accessToken", "tokenLifetimeSeconds"}
    old = claims_of((await negotiated(app))["accessToken"])
    new = claims_of(body["accessToken"])
    assert set(new) == set(old)
    assert (new["aud"], new["asrs.s.uid"], body["tokenLifetimeSeconds"]) == (old["aud"], "ann", 3600)
