"""Access tokens: what is in them, what opens them, and what is not signed at all."""

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest

from serverless_signalr._rest.tokens import MAX_TOKEN, sign_client_token, sign_server_token
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.protocol.claims import USER_ID_CLAIM

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
EMULATOR = Endpoint.parse(f"Endpoint=http://localhost;Port=8888;AccessKey={KEY};Version=1.0;")
AUDIENCE = "http://localhost:8888/client/?hub=chat"

VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJhc3JzLnMudWlkIjoidTEiLCJuYmYiOjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzAwMDAwMDAwLCJhdWQiOiJo"
    "dHRwOi8vbG9jYWxob3N0Ojg4ODgvY2xpZW50Lz9odWI9Y2hhdCJ9."
    "aFMuhSXM-02fAqQaaJnCLLo4H2qZCqAH97HKIuHH9vQ"
)
"""A token that the service accepts from user u1, from 1700000000 to 4102444800."""


def read(token: str, audience: str = AUDIENCE) -> dict[str, Any]:
    return jwt.decode(token, KEY, algorithms=["HS256"], audience=audience)


def test_token_is_the_one_that_the_service_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.9)
    lifetime = timedelta(seconds=4_102_444_800 - 1_700_000_000)
    assert sign_client_token(EMULATOR, "chat", user_id="u1", lifetime=lifetime) == VECTOR


def test_header_names_algorithm_and_type() -> None:
    assert jwt.get_unverified_header(sign_client_token(EMULATOR, "chat")) == {"alg": "HS256", "typ": "JWT"}


def test_token_is_good_for_an_hour_from_now() -> None:
    claims = read(sign_client_token(EMULATOR, "chat"))
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["nbf"] == claims["iat"]
    assert abs(claims["iat"] - time.time()) < 60


@pytest.mark.parametrize("seconds", [-1, 0])
def test_token_that_nobody_could_use_is_not_signed(seconds: int) -> None:
    with pytest.raises(ValueError, match="the lifetime of a token is"):
        sign_client_token(EMULATOR, "chat", lifetime=timedelta(seconds=seconds))


def test_audience_is_the_hub_in_lower_case() -> None:
    assert read(sign_client_token(EMULATOR, "Chat"))["aud"] == AUDIENCE


def test_anonymous_user_has_no_user_id() -> None:
    assert set(read(sign_client_token(EMULATOR, "chat"))) == {"nbf", "exp", "iat", "aud"}


@pytest.mark.parametrize("user_id", ["u1", "", "Zoë 群"])
def test_user_id_has_a_claim_of_its_own(user_id: str) -> None:
    assert read(sign_client_token(EMULATOR, "chat", user_id=user_id))[USER_ID_CLAIM] == user_id


def test_claims_are_carried_as_they_are() -> None:
    claims = read(sign_client_token(EMULATOR, "chat", claims={"name": "Ann", "role": ["a", "b"]}))
    assert (claims["name"], claims["role"]) == ("Ann", ["a", "b"])


@pytest.mark.parametrize(
    "name", ["aud", "exp", "iat", "nbf", "iss", "actort", "acr", "azp", "c_hash", "jti", "nonce"]
)
def test_claim_with_a_meaning_in_the_token_is_prefixed(name: str) -> None:
    claims = read(sign_client_token(EMULATOR, "chat", claims={name: "mine"}))
    assert claims[f"asrs.u.{name}"] == "mine"
    assert claims.get(name) != "mine"


def test_longest_token_is_signed() -> None:
    overhead = len(sign_client_token(EMULATOR, "chat", claims={"x": ""}))
    token = sign_client_token(EMULATOR, "chat", claims={"x": "y" * ((MAX_TOKEN - overhead) * 3 // 4 - 2)})
    assert MAX_TOKEN - 8 < len(token) <= MAX_TOKEN


def test_token_that_is_too_long_is_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match=r"the access token has \d,\d{3} characters, the limit is 4,096"):
        sign_client_token(EMULATOR, "chat", claims={"x": "y" * 4096})


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        pytest.param(
            "http://localhost:8888/api/hubs/chat/:send?api-version=2022-06-01",
            "http://localhost:8888/api/hubs/chat/:send",
            id="query",
        ),
        pytest.param("http://localhost:8888/api/health/", "http://localhost:8888/api/health", id="slash"),
        pytest.param(
            "http://localhost:8888/api/hubs/chat/groups/a%20b/:send",
            "http://localhost:8888/api/hubs/chat/groups/a%20b/:send",
            id="escapes",
        ),
    ],
)
def test_audience_of_a_server_is_the_request_without_its_query(url: str, audience: str) -> None:
    assert read(sign_server_token(EMULATOR, url), audience)["aud"] == audience


def test_server_token_is_good_for_five_minutes() -> None:
    claims = read(sign_server_token(EMULATOR, "http://localhost:8888/x"), "http://localhost:8888/x")
    assert claims["exp"] - claims["iat"] == 300


def test_connection_without_a_key_cannot_sign() -> None:
    endpoint = Endpoint.parse("Endpoint=https://chat.service.signalr.net;AuthType=azure.msi;Version=1.0;")
    with pytest.raises(ValueError, match=r"https://chat\.service\.signalr\.net has no AccessKey"):
        sign_client_token(endpoint, "chat")
