"""The tokens of clients: which instance of the service they are for, and what a refresh takes from them."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import jwt
import pytest
from aiohttp import web

from serverless_signalr import ServerlessHub, SignalRConnectionInfo, SignalREndpoint, not_an_event
from tests.serverless_signalr.rest_service import KEY, Received, Service

ANN = {"claims": [{"type": "asrs.s.uid", "value": "ann"}]}


class Chat(ServerlessHub, hub="chat"):
    info: SignalRConnectionInfo | None = None

    @not_an_event
    async def negotiate(self, **options: Any) -> SignalRConnectionInfo:
        return self.info or await super().negotiate(**options)


@pytest.fixture
async def other() -> AsyncIterator[Service]:
    service = await Service().start()
    yield service
    await service.stop()


async def absent(_: Received) -> web.StreamResponse:
    return web.Response(status=404)


async def here(_: Received) -> web.StreamResponse:
    return web.json_response(ANN)


def first(offered: Sequence[SignalREndpoint]) -> SignalREndpoint:
    return next(each for each in offered if each.name == "first")


async def test_token_is_for_the_instance_that_has_the_connection(
    service: Service, other: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Azure__SignalR__Endpoints__first", service.connection_string)
    monkeypatch.setenv("Azure__SignalR__Endpoints__second", other.connection_string)
    chat = Chat()
    assert (await chat.negotiate(user_id="ann", router=first)).url.startswith(service.url)
    service.always(absent)
    other.always(here)
    info = await chat.refresh_authentication("secret", user_id="ann", router=first)
    audience = f"{other.url}/client/?hub=chat"
    assert jwt.decode(info.access_token, KEY, ["HS256"], audience=audience)["asrs.s.uid"] == "ann"


@pytest.fixture
def setting(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureSignalRConnectionString", service.connection_string)
    service.always(here)


@pytest.mark.usefixtures("setting")
async def test_connection_gets_what_the_token_says(service: Service) -> None:
    info = await Chat().refresh_authentication(
        "secret",
        user_id="ann",
        claims={"role": ["author", "editor"], "iss": "mine"},
        lifetime=timedelta(minutes=5),
        close_on_expiry=True,
        detailed_errors=True,
    )
    assert info.token_lifetime_seconds == 300
    payload = jwt.decode(info.access_token, options={"verify_signature": False})
    body = json.loads(service.requests[-1].body)
    assert [(claim["type"].rpartition("/")[2], claim["value"]) for claim in body["claims"]] == [
        ("nameidentifier", "ann"),
        ("role", "author"),
        ("role", "editor"),
        ("asrs.u.iss", "mine"),
    ]
    assert payload["exp"] - payload["nbf"] == 300


@pytest.mark.usefixtures("setting")
@pytest.mark.parametrize("token", ["", "abc", "a.b.c", "a.bnVsbA.c"])
async def test_token_that_cannot_be_read_refreshes_nothing(service: Service, token: str) -> None:
    chat = Chat()
    chat.info = SignalRConnectionInfo(service.url, token)
    with pytest.raises(ValueError, match="the access token is no JSON Web Token"):
        await chat.refresh_authentication("secret", user_id="ann")
    assert service.requests == []


@pytest.mark.usefixtures("setting")
async def test_user_is_the_one_of_the_token_however_it_names_it(service: Service) -> None:
    chat = Chat()
    token = jwt.encode(
        {"sub": "ann", "aud": f"{service.url}/client/?hub=chat", "exp": 4102444800, "nbf": 4102441200}, KEY
    )
    chat.info = SignalRConnectionInfo(service.url, token)
    info = await chat.refresh_authentication("secret", user_id="bob")
    assert (info.access_token, info.token_lifetime_seconds) == (token, 3600)
    claims = json.loads(service.requests[-1].body)["claims"]
    assert {claim["value"] for claim in claims} == {"ann"}


@pytest.mark.usefixtures("setting")
async def test_what_is_no_connection_info_is_refused() -> None:
    class Odd(Chat, hub="odd"):
        @not_an_event
        async def negotiate(self, **options: Any) -> Any:
            return {"url": "…"}

    with pytest.raises(TypeError, match="negotiate returned a dict, expected a SignalRConnectionInfo"):
        await Odd().refresh_authentication("secret", user_id="ann")
