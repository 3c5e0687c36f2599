"""Negotiation from code: the address and the token that a client connects with."""

import re
from datetime import timedelta
from typing import Any

import jwt
import pytest

from serverless_signalr import (
    ConnectionStringError,
)
from serverless_signalr.hub import ServerlessHub
from tests.serverless_signalr.hubs import AUDIENCE, CONNECTION, KEY, SETTING, Chat

pytestmark = pytest.mark.usefixtures("service_setting")


class Odd(ServerlessHub, hub="My.Hub[1]", connection="Other"):
    async def send(self) -> None: ...


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token says, once the service has accepted it."""
    found: dict[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"], audience=AUDIENCE)
    return found


async def negotiated(**options: Any) -> dict[str, Any]:
    return claims_of((await Chat().negotiate(**options)).access_token)


async def test_client_is_sent_to_the_service() -> None:
    assert (await Chat().negotiate()).url == AUDIENCE


async def test_anonymous_token_says_nothing_of_a_user() -> None:
    assert set(await negotiated()) == {"aud", "iat", "nbf", "exp"}


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        pytest.param({}, 3600, id="default"),
        pytest.param({"lifetime": timedelta(minutes=5)}, 300, id="given"),
    ],
)
async def test_token_lives_for_its_lifetime(options: dict[str, Any], seconds: int) -> None:
    claims = await negotiated(**options)
    assert claims["exp"] - claims["nbf"] == seconds


@pytest.mark.parametrize(
    "user_id",
    [
        "ann",
        "Zoë 群",
        "ann@contoso.com",
        "contoso\\ann",
        "CN=bob, OU=x",
        "CN=bob,OU=x,DC=contoso",
        "Doe, Jane",
        "a: b",
        "a:b,c:d",
        ",",
    ],
)
async def test_user_id_is_in_the_token(user_id: str) -> None:
    assert (await negotiated(user_id=user_id))["asrs.s.uid"] == user_id


@pytest.mark.parametrize(
    "user_id",
    [
        pytest.param("x, role: admin", id="claim"),
        pytest.param("x,role: admin", id="without-a-blank"),
        pytest.param("x, y, role: admin", id="after-another-comma"),
        pytest.param(", role: admin", id="alone"),
        pytest.param("a: b, role: admin", id="after-what-is-dropped"),
        pytest.param("x, user: admin", id="claim-user"),
        pytest.param("x, a: b, a: c", id="two-values"),
        pytest.param("x\r\nX-ASRS-User-Claims:role", id="header"),
        pytest.param("x\n", id="line-end"),
    ],
)
async def test_user_id_that_would_pass_for_a_claim_is_refused(user_id: str) -> None:
    with pytest.raises(ValueError, match=r"^the user id "):
        await Chat().negotiate(user_id=user_id)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"name": "Ann"}, id="one"),
        pytest.param({"name": "Ann", "role": ["admin", "auditor"]}, id="several-values"),
        pytest.param({"https://contoso.com/claims/x": "a:b=c;d"}, id="url"),
        pytest.param({"role": []}, id="none"),
        pytest.param({"name": "Zoë 群"}, id="not-ascii"),
    ],
)
async def test_claims_are_in_the_token(claims: dict[str, Any]) -> None:
    found = await negotiated(claims=claims)
    assert {name: found[name] for name in claims} == claims


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        pytest.param({"name": "x, role: admin"}, "name", id="claim-in-a-value"),
        pytest.param({"name": "Doe, Jane"}, "name", id="comma"),
        pytest.param({"name": ["fine", "a, b"]}, "name", id="comma-in-one-of-several"),
        pytest.param({"name": "a: b"}, "name", id="colon-and-blank"),
        pytest.param({"name": "x "}, "name", id="blank-behind"),
        pytest.param({"name": ""}, "name", id="empty-value"),
        pytest.param({"a, role": "admin"}, "a, role", id="comma-in-a-type"),
        pytest.param({"a: b": "x"}, "a: b", id="colon-in-a-type"),
        pytest.param({" role": "x"}, " role", id="blank-before-a-type"),
        pytest.param({"name": "x\r\nX-ASRS-User-Id:admin"}, "name", id="header"),
        pytest.param({"name": "a\nb"}, "name", id="line-end"),
    ],
)
async def test_claim_that_would_arrive_as_another_is_refused(claims: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^the claim {name} cannot be carried: "):
        await Chat().negotiate(claims=claims)


@pytest.mark.parametrize("name", ["asrs.s.uid", "asrs.s.aeo", "asrs.u.role"])
async def test_claim_of_the_service_itself_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^the claim {re.escape(name)} "):
        await Chat().negotiate(claims={name: "admin"})


@pytest.mark.parametrize(
    ("options", "kind", "reason"),
    [
        pytest.param({"user_id": " ann"}, ValueError, "begins or ends with whitespace", id="blank-before"),
        pytest.param({"user_id": ""}, ValueError, "the user id is empty", id="empty"),
        pytest.param({"claims": {"sub": "admin"}}, ValueError, "names another", id="sub"),
        pytest.param({"user_id": "ann", "claims": {"nameid": "admin"}}, ValueError, "another", id="nameid"),
        pytest.param({"claims": {"tenant": 5}}, TypeError, "the claim tenant is a int", id="number"),
        pytest.param({"lifetime": timedelta(0)}, ValueError, "the lifetime of a token is 0", id="no-time"),
        pytest.param({"lifetime": 60, "close_on_expiry": True}, TypeError, "a timedelta", id="seconds"),
    ],
)
async def test_negotiation_that_would_mislead_is_refused(
    options: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        await Chat().negotiate(**options)


async def test_claim_with_a_meaning_in_the_token_is_prefixed() -> None:
    assert (await negotiated(claims={"iss": "mine"}))["asrs.u.iss"] == "mine"


async def test_claims_of_the_caller_are_left_as_they_are() -> None:
    claims = {"name": "Ann"}
    await Chat().negotiate(claims=claims, close_on_expiry=True, detailed_errors=True)
    assert claims == {"name": "Ann"}


async def test_connection_may_end_with_its_token() -> None:
    claims = await negotiated(close_on_expiry=True, lifetime=timedelta(minutes=5))
    assert claims["asrs.s.coae"] == "true"
    assert abs(int(claims["asrs.s.aeo"]) - claims["exp"]) <= 1


async def test_connection_may_be_told_details() -> None:
    assert (await negotiated(detailed_errors=True))["asrs.s.derror"] == "true"


@pytest.mark.parametrize("name", ["asrs.s.coae", "asrs.s.aeo", "asrs.s.derror"])
async def test_connection_is_told_nothing_it_was_not_asked_for(name: str) -> None:
    assert name not in await negotiated()


async def test_token_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="characters, the limit is 4,096: pass fewer claims"):
        await Chat().negotiate(claims={"x": "y" * 4096})


async def test_hub_with_its_own_setting_negotiates_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Other", CONNECTION.replace("//chat.", "//other."))
    assert (await Odd().negotiate()).url == "https://other.service.signalr.net/client/?hub=my.hub[1]"


async def test_browsers_are_sent_to_the_endpoint_for_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, f"{CONNECTION}ClientEndpoint=https://proxy.contoso.com;")
    info = await Chat().negotiate()
    assert info.url == "https://proxy.contoso.com/client/?hub=chat"
    assert claims_of(info.access_token)["aud"] == AUDIENCE


async def test_setting_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING)
    with pytest.raises(ConnectionStringError, match=f"^the app setting {SETTING} is not set"):
        await Chat().negotiate()


async def test_setting_that_is_wrong_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "Endpoint=https://chat.service.signalr.net;AccessKey=;Version=1.0;")
    with pytest.raises(ConnectionStringError) as raised:
        await Chat().negotiate()
    assert str(raised.value) == (
        f"the app setting {SETTING} is invalid: AccessKey in the connection string is empty"
    )
