"""Tokens: which open the emulator, which do not, and what the log says of those."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_mock import MockerFixture

from signalr_local.emulator import DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY, Emulator

type Start = Callable[..., Any]


def sign(payload: dict[str, Any], key: str = DEFAULT_ACCESS_KEY, **header: str) -> str:
    """Make a token without the library's help, as other SDKs do."""
    header = {"alg": "HS256", "typ": "JWT", **header}
    parts = [_base64(json.dumps(part).encode()) for part in (header, payload)]
    algorithm = {"HS512": hashlib.sha512, "HS384": hashlib.sha384}.get(header["alg"], hashlib.sha256)
    parts.append(_base64(hmac.digest(key.encode(), ".".join(parts).encode(), algorithm)))
    return ".".join(parts)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def payload(service: Any, **claims: Any) -> dict[str, Any]:
    return {"aud": f"{service.endpoint.url}/client/?hub=chat", "exp": time.time() + 60, **claims}


INVALID = 'Bearer error="invalid_token", error_description='


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
async def test_a_client_token_opens_the_hub_it_was_made_for(service: Any, algorithm: str) -> None:
    assert (await service.negotiate(token=sign(payload(service), alg=algorithm))).status == 200


async def test_a_key_id_means_nothing(service: Any) -> None:
    assert (await service.negotiate(token=sign(payload(service), kid="random"))).status == 200


@pytest.mark.parametrize(
    "audience",
    [
        "http://localhost:{port}/client/?hub=chat",
        "http://127.0.0.1:{port}/client/?hub=chat",
        "http://[::1]:{port}/client/?hub=chat",
        "HTTP://LocalHost:{port}/client/?hub=Chat",
        "http://localhost/client/?hub=chat",
        "https://localhost:{port}/client/?hub=chat",
        ["http://elsewhere/", "http://localhost:{port}/client/?hub=chat"],
    ],
)
async def test_an_audience_may_spell_this_machine_in_any_way(service: Any, audience: Any) -> None:
    texts = audience if isinstance(audience, list) else [audience]
    audiences = [text.replace("{port}", str(service.emulator.port)) for text in texts]
    token = sign(payload(service, aud=audiences if isinstance(audience, list) else audiences[0]))
    assert (await service.negotiate(token=token)).status == 200


async def test_an_audience_may_be_the_host_that_the_client_reached(service: Any) -> None:
    token = sign(payload(service, aud="http://emulator:9999/client/?hub=chat"))
    headers = {"Authorization": f"Bearer {token}", "Host": "emulator:9999"}
    assert (await service.request("POST", "/client/negotiate?hub=chat", headers=headers)).status == 200


async def test_an_audience_may_be_a_host_that_the_emulator_goes_by(start: Start) -> None:
    service = await start(hosts=["Emulator", "host.docker.internal"])
    for host in ("emulator", "EMULATOR", "host.docker.internal"):
        for port in (f":{service.emulator.port}", ""):
            token = sign(payload(service, aud=f"http://{host}{port}/client/?hub=chat"))
            assert (await service.negotiate(token=token)).status == 200
    for host in ("emulator:1", "other"):
        token = sign(payload(service, aud=f"http://{host}/client/?hub=chat"))
        assert (await service.negotiate(token=token)).status == 401


async def test_a_server_may_have_signed_for_a_host_that_the_emulator_goes_by(start: Start) -> None:
    service = await start(hosts=["emulator"])
    path = "/api/hubs/chat/users/ann"
    token = sign({"aud": f"http://emulator:{service.emulator.port}{path}", "exp": time.time() + 60})
    headers = {"Authorization": f"Bearer {token}"}
    assert (await service.request("GET", f"{path}?api-version=2022-06-01", headers=headers)).status == 404


@pytest.mark.parametrize(
    "host",
    [
        "",
        "http://emulator",
        "emulator:8888",
        "emulator/",
        "a b:c",
        "u@emulator",
        "*",
        "*.local",
        ".local",
        "ü",
    ],
)
def test_a_host_is_a_name_and_nothing_more(host: str) -> None:
    with pytest.raises(ValueError, match="expected a name such as"):
        Emulator(hosts=[host])


@pytest.mark.parametrize("host", ["localhost:none", "rebound.evil.example"])
@pytest.mark.parametrize("path", ["/client/negotiate?hub=chat", "/api/v1/hubs/chat", "/"])
async def test_a_request_to_the_name_of_a_stranger_is_refused_whatever_its_token(
    service: Any, caplog: pytest.LogCaptureFixture, path: str, host: str
) -> None:
    headers = {"Authorization": f"Bearer {service.client_token()}", "Host": host}
    reply = await service.request("POST", path, headers=headers)
    assert reply.status == 403
    assert "--host-name" in reply.text
    assert f"it was sent to the host name '{host}'" in caplog.text


async def test_a_token_is_verified_once_for_its_path_until_it_expires(
    service: Any, mocker: MockerFixture
) -> None:
    verify = mocker.spy(hmac, "digest")
    clock = mocker.patch("signalr_local.clock.time.time", side_effect=time.time)
    path = "/api/hubs/chat/users/ann"
    headers = {"Authorization": f"Bearer {service.server_token(path)}"}
    signed = verify.call_count
    for _ in range(3):
        reply = await service.request("GET", f"{path}?api-version=2022-06-01", headers=headers)
        assert reply.status == 404
    assert verify.call_count == signed + 1
    for other in ("/api/hubs/chat/users/bob", "/api/hubs/other/users/ann"):
        reply = await service.request("GET", f"{other}?api-version=2022-06-01", headers=headers)
        assert reply.status == 401
    clock.side_effect, clock.return_value = None, time.monotonic() + 2**32
    reply = await service.request("GET", f"{path}?api-version=2022-06-01", headers=headers)
    assert reply.status == 401
    assert "The token expired" in reply.headers["WWW-Authenticate"]


async def test_verified_tokens_are_forgotten_when_there_are_many(service: Any) -> None:
    gate = service.emulator._gate
    for number in range(1100):
        gate._remember(("token", "host", str(number)), 1.0, None)
    assert len(gate._passed) == 1024


async def test_a_lenient_emulator_checks_the_signature_alone(start: Start) -> None:
    service = await start(is_lenient=True)
    for wrong in ({"aud": "http://elsewhere"}, {"exp": 1}, {"exp": None}):
        token = sign({**payload(service), **wrong})
        assert (await service.negotiate(token=token)).status == 200
        headers = {"Authorization": f"Bearer {token}"}
        assert (await service.request("HEAD", "/api/hubs/chat/users/ann", headers=headers)).status == 404
    token = sign(payload(service), key="another key than this one")
    assert (await service.negotiate(token=token)).status == 401


@pytest.mark.parametrize(
    "audience",
    [
        "http://localhost:{port}/client/?hub=other",
        "http://localhost:{port}/client/?hub=chat&asrs.op=x",
        "http://localhost:{port}/client?hub=chat",
        "http://localhost:{port}/client/",
        "http://localhost:1/client/?hub=chat",
        "http://localhost:none/client/?hub=chat",
        "https://chat.service.signalr.net/client/?hub=chat",
        "chat",
    ],
)
async def test_another_audience_is_refused_and_the_log_has_seen_and_expected(
    service: Any, audience: str, caplog: pytest.LogCaptureFixture
) -> None:
    audience = audience.replace("{port}", str(service.emulator.port))
    token = sign(payload(service, aud=audience))
    reply = await service.negotiate(token=token)
    assert (reply.status, reply.text) == (401, "")
    assert reply.headers["WWW-Authenticate"] == INVALID + '"The audience is invalid"'
    expected = f"http://localhost:{service.emulator.port}/client/?hub=chat"
    assert f"audience (aud) is '{audience}', expected '{expected}'" in caplog.text
    assert token not in caplog.text


async def test_a_token_without_audience_is_refused(service: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert (await service.negotiate(token=sign({"exp": time.time() + 60}))).status == 401
    assert "audience (aud) is absent, expected" in caplog.text


async def test_a_token_is_refused_from_the_second_on_that_it_names(service: Any) -> None:
    assert (await service.negotiate(token=sign(payload(service, exp=time.time() + 30)))).status == 200
    assert (await service.negotiate(token=sign(payload(service, exp=time.time())))).status == 401


async def test_an_expired_token_is_refused_and_the_log_says_since_when(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await service.negotiate(token=sign(payload(service, exp=int(time.time()) - 3600)))
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"].startswith(INVALID + '"The token expired at ')
    assert "the token expired 3,60" in caplog.text


@pytest.mark.parametrize(
    ("expires", "description"),
    [
        (None, "has no expiration"),
        ("soon", "has no expiration"),
        (-1e30, "expired at '01/01/1970 00:00:00'"),
        (float("nan"), "expired at '01/01/1970 00:00:00'"),
    ],
)
async def test_an_expiration_that_is_none_is_refused(service: Any, expires: Any, description: str) -> None:
    reply = await service.negotiate(token=sign(payload(service, exp=expires)))
    assert reply.status == 401
    assert description in reply.headers["WWW-Authenticate"]


@pytest.mark.parametrize("expires", [10**400, float("inf"), 1e300], ids=["no-float", "infinite", "no-date"])
async def test_an_expiration_beyond_all_calendars_never_comes(service: Any, expires: float) -> None:
    assert (await service.negotiate(token=sign(payload(service, exp=expires)))).status == 200


@pytest.mark.parametrize(
    ("header", "description"),
    [({}, "The signature is invalid"), ({"kid": "random"}, "The signature key was not found")],
)
async def test_a_token_of_another_key_is_refused_and_the_log_names_the_cause_but_no_key(
    service: Any, caplog: pytest.LogCaptureFixture, header: dict[str, str], description: str
) -> None:
    token = sign(payload(service), key="x" * 44, **header)
    reply = await service.negotiate(token=token)
    assert (reply.status, reply.text) == (401, "")
    assert reply.headers["WWW-Authenticate"] == f'{INVALID}"{description}"'
    assert "POST /client/negotiate is refused (401)" in caplog.text
    assert "holds another AccessKey" in caplog.text
    assert token not in caplog.text
    assert DEFAULT_ACCESS_KEY not in caplog.text


@pytest.mark.parametrize("algorithm", ["none", "RS256", "HS384"])
async def test_another_algorithm_is_refused(
    service: Any, caplog: pytest.LogCaptureFixture, algorithm: str
) -> None:
    assert (await service.negotiate(token=sign(payload(service), alg=algorithm))).status == 401
    assert f"signed with '{algorithm}', expected HS256 or HS512" in caplog.text


@pytest.mark.parametrize("token", ["x", "a.b.c", "....", "W10.W10.W10", "e30.bm8.x", "ü.e30.e30"])
async def test_what_is_no_token_is_refused(
    service: Any, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    reply = await service.negotiate(token=token)
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, INVALID + '"The token is malformed"')
    assert "no JSON Web Token" in caplog.text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer "}])
async def test_no_token_is_refused_with_a_bare_challenge(service: Any, headers: dict[str, str]) -> None:
    reply = await service.request("POST", "/client/negotiate?hub=chat", headers=headers)
    assert (reply.status, reply.text, reply.headers["WWW-Authenticate"]) == (401, "", "Bearer")


@pytest.mark.parametrize("key", [DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY])
async def test_without_keys_of_its_own_a_service_takes_two(service: Any, key: str) -> None:
    assert (await service.negotiate(token=sign(payload(service), key=key))).status == 200


async def test_every_key_opens(start: Start) -> None:
    service = await start(keys=["p" * 44, "s" * 44])
    for key in ("p" * 44, "s" * 44):
        assert (await service.negotiate(token=sign(payload(service), key=key))).status == 200
    assert (await service.negotiate(token=sign(payload(service)))).status == 401


async def test_a_token_in_the_query_is_for_websockets_and_event_streams_only(service: Any) -> None:
    query = f"hub=chat&access_token={service.client_token()}"
    assert (await service.request("POST", f"/client/negotiate?{query}")).status == 401
    assert (await service.request("GET", f"/client/?{query}")).status == 401
    stream = {"Accept": "text/event-stream"}
    assert (await service.request("POST", f"/client/?{query}&id=x", headers=stream)).status == 401
    assert (await service.request("GET", f"/client/?{query}&id=x", headers=stream)).status == 404


async def test_of_several_tokens_in_the_query_the_last_counts(service: Any) -> None:
    token = service.client_token()
    stream = {"Accept": "text/event-stream"}
    for first, last, status in (("x", token, 404), (token, "x", 401)):
        path = f"/client/?hub=chat&id=x&access_token={first}&access_token={last}"
        assert (await service.request("GET", path, headers=stream)).status == status


async def test_on_a_websocket_the_header_wins_over_the_query(service: Any) -> None:
    client = await service.open("hub=chat&access_token=wrong")
    await client.leave()


async def test_a_server_token_is_for_one_url_without_its_query(service: Any) -> None:
    path = "/api/hubs/chat/users/a%20b"
    url = service.endpoint.url + path
    for audience in (url, f"{url}/", f"{url}?api-version=2022-06-01", url.replace("chat", "Chat")):
        token = sign({"aud": audience, "exp": time.time() + 60})
        headers = {"Authorization": f"Bearer {token}"}
        assert (await service.request("GET", f"{path}?api-version=2022-06-01", headers=headers)).status == 404


async def test_a_server_token_for_another_url_is_refused(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": f"Bearer {service.server_token('/api/hubs/chat/users/bob')}"}
    path = "/api/hubs/chat/users/ann"
    assert (await service.request("GET", f"{path}?api-version=2022-06-01", headers=headers)).status == 401
    assert f"expected '{service.endpoint.url}{path}'" in caplog.text


async def test_a_client_token_does_not_open_the_rest_api(service: Any) -> None:
    headers = {"Authorization": f"Bearer {service.client_token()}"}
    reply = await service.request("POST", "/api/v1/hubs/chat", headers=headers)
    assert (reply.status, reply.text) == (401, "")


@pytest.mark.parametrize(
    ("claims", "user"),
    [
        ({"asrs.s.uid": "a", "nameid": "b", "sub": "c"}, "a"),
        ({"sub": "c", "nameid": "b"}, "b"),
        ({"sub": "c"}, "c"),
        ({"nameid": ["first", "second"]}, "first"),
        (
            {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": "long", "sub": "c"},
            "long",
        ),
        ({"asrs.s.uid": ""}, None),
        ({"name": "ann"}, None),
    ],
)
async def test_who_the_user_is(
    service_with_app: Any, app: Any, claims: dict[str, Any], user: str | None
) -> None:
    client = await service_with_app.open(token=sign(payload(service_with_app, **claims)))
    await client.send_text('{"protocol":"json","version":1}\x1e')
    event = await app.next("connected")
    assert event.headers.get("X-ASRS-User-Id") == user


async def test_claims_reach_the_app_without_the_prefix_each_value_on_its_own(
    service_with_app: Any, app: Any
) -> None:
    token = sign(
        payload(
            service_with_app,
            **{"role": ["a", "b"], "asrs.u.iat": "mine", "age": 7, "ok": True, "broken": "a\r\nb", "map": {}},
        )
    )
    client = await service_with_app.open(token=token)
    await client.send_text('{"protocol":"json","version":1}\x1e')
    claims = (await app.next("connected")).headers["X-ASRS-User-Claims"].split(", ")
    assert {"role: a", "role: b", "iat: mine", "age: 7", "ok: true", "map: {}"} <= set(claims)
    assert any(claim.startswith("exp: ") for claim in claims)
    assert "broken" not in str(claims)
