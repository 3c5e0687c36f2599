"""A connection that an identity opens: tokens, and the temporary key that signs those of clients."""

import asyncio
from collections.abc import Awaitable, Callable

import jwt
import pytest

from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.connection import ServiceConnection
from serverless_signalr.errors import UnauthorizedError
from tests.serverless_signalr.azure_fakes.clock import Clock, until
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, Cloud
from tests.serverless_signalr.azure_fakes.connections import (
    IDENTITY,
    OTHER_KEY,
    REFERENCE,
    URI,
    connect,
    connection_string,
    serves_with,
)


async def test_identity_is_given_a_key_to_sign_with(kept: Cloud, clock: Clock) -> None:
    endpoint = await connect(IDENTITY, clock).client_endpoint()
    token = sign_client_token(endpoint, "chat", user_id="ann")
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "kid": "key-1", "typ": "JWT"}
    assert kept.service.verify(token)["asrs.s.uid"] == "ann"


async def test_key_is_asked_for_at_the_server_endpoint(kept: Cloud, clock: Clock) -> None:
    kept.hosts["proxy.service.signalr.net"] = kept.backup
    settings = IDENTITY | {"Mine__serverEndpoint": "https://proxy.service.signalr.net"}
    endpoint = await connect(settings, clock).client_endpoint()
    assert (endpoint.url, kept.backup.requests) == (URI, ["GET /api/v1/auth/accessKey"])


async def test_requests_carry_a_token_of_the_identity(kept: Cloud, clock: Clock) -> None:
    await connect(IDENTITY, clock).client("chat").send_to_all("x")
    assert (kept.service.sends, kept.service.temporary) == (["/api/hubs/chat/:send"], {})


async def test_key_is_asked_for_once_and_renewed_before_it_expires(kept: Cloud, clock: Clock) -> None:
    connection = connect(IDENTITY, clock)
    await asyncio.gather(*(connection.client_endpoint() for _ in range(10)))
    assert len(kept.service.temporary) == 1
    clock.pass_by(minutes=55)
    assert (await connection.client_endpoint()).key_id == "key-1"
    await until(serves_with(connection, "temporary-key-number-2-of-this-instance"))
    assert (await connection.client_endpoint()).key_id == "key-2"


def forget_keys(cloud: Cloud) -> None:
    """Let the service know the keys no longer that it has handed out."""
    for key_id in cloud.service.temporary:
        cloud.service.temporary[key_id] = "a key that nobody knows any more, nowhere"


def was_tried(cloud: Cloud, times: int = 1) -> Callable[[], Awaitable[bool]]:
    async def has_been() -> bool:
        question = "HEAD /api/hubs/health/connections/health?api-version=2024-12-01"
        return cloud.service.requests.count(question) >= times

    return has_been


def signs_with(connection: ServiceConnection, key_id: str) -> Callable[[], Awaitable[bool]]:
    async def does() -> bool:
        return (await connection.client_endpoint()).key_id == key_id

    return does


async def test_key_that_the_service_has_forgotten_is_replaced(kept: Cloud, clock: Clock) -> None:
    """Meet the refusals of clients that come and go: the key is young, and the service does not know it."""
    connection = connect(IDENTITY, clock)
    await connection.client_endpoint()
    assert await connection.instances[0].is_online()
    forget_keys(kept)
    clock.pass_by(seconds=30)
    await until(signs_with(connection, "key-2"))
    assert kept.service.verify(sign_client_token(await connection.client_endpoint(), "chat"))


async def test_key_is_replaced_as_soon_as_the_service_has_another(
    kept: Cloud, clock: Clock, pauses: list[float]
) -> None:
    [instance] = connect(IDENTITY, clock).instances
    first = await instance.signing_endpoint()
    forget_keys(kept)
    kept.service.may_sign = False
    await instance.try_key()
    assert await instance.signing_endpoint() == first
    kept.service.may_sign = True
    clock.pass_by(seconds=5)
    await instance.try_key()
    assert (await instance.signing_endpoint()).key_id == "key-2"


async def test_key_is_tried_now_and_then_only(kept: Cloud, clock: Clock) -> None:
    connection = connect(IDENTITY, clock)
    for _ in range(20):
        await connection.client_endpoint()

    await until(was_tried(kept))
    for _ in range(20):
        await connection.client_endpoint()
    assert len(kept.service.requests) == 3


async def test_service_that_takes_no_key_for_requests_is_not_asked_for_one_key_after_the_other(
    kept: Cloud, clock: Clock
) -> None:
    kept.service.takes_keys = False
    [instance] = connect(IDENTITY, clock).instances
    for _ in range(3):
        await instance.try_key()
    assert len(kept.service.temporary) == 2
    kept.service.takes_keys = True
    forget_keys(kept)
    clock.pass_by(minutes=50)
    await instance.try_key()
    assert len(kept.service.temporary) == 2
    clock.pass_by(minutes=10)
    await instance.try_key()
    assert len(kept.service.temporary) > 2


async def test_secret_is_read_again_where_an_app_only_negotiates(kept: Cloud, clock: Clock) -> None:
    connection = connect(REFERENCE, clock)
    await connection.client_endpoint()
    assert await connection.instances[0].is_online()
    kept.vault.put("signalr", connection_string(OTHER_KEY))
    kept.service.keys = {OTHER_KEY}
    clock.pass_by(seconds=30)
    await until(serves_with(connection, OTHER_KEY))


async def test_key_is_used_on_while_there_is_no_other_but_not_when_it_has_expired(
    kept: Cloud, clock: Clock, pauses: list[float]
) -> None:
    connection = connect(IDENTITY, clock)
    await connection.client_endpoint()
    kept.service.may_sign = False
    clock.pass_by(minutes=84)
    assert (await connection.client_endpoint()).key_id == "key-1"
    clock.pass_by(minutes=1)
    with pytest.raises(UnauthorizedError, match=f"refused the managed identity {CLIENT} a key"):
        await connection.client_endpoint()


async def test_role_that_is_missing_is_named(kept: Cloud, clock: Clock) -> None:
    kept.service.may_sign = False
    with pytest.raises(UnauthorizedError) as raised:
        await connect(IDENTITY, clock).client_endpoint()
    assert str(raised.value).startswith(
        f"https://chat.service.signalr.net refused the managed identity {CLIENT} a key to sign client "
        "tokens: it responded 403 (with a new access token too). Grant the identity the role SignalR Service "
        "Owner or"
    )
    assert raised.value.status == 403


async def test_token_that_is_refused_once_is_replaced(
    kept: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meet the refusals that come and go: the token is good, and the service says that it is not."""
    monkeypatch.setattr("serverless_signalr._connection.credential._PAUSE", 0.0)
    connection = connect(IDENTITY, clock)
    client = connection.client("chat")
    await client.send_to_all("first")
    kept.tokens.revoke()
    await client.send_to_all("second")
    kept.tokens.revoke()
    assert (await connection.client_endpoint()).key_id == "key-1"
    assert [body["target"] for body in kept.service.bodies] == ["first", "second"]


async def test_token_that_is_refused_twice_is_an_error_that_names_the_role(kept: Cloud, clock: Clock) -> None:
    kept.service.fail(401)
    connection = connect(IDENTITY, clock)
    with pytest.raises(UnauthorizedError, match="grant the identity the role SignalR REST API Owner"):
        await connection.client("chat").send_to_all("x")
    with pytest.raises(UnauthorizedError, match=r"responded 401 .*the role SignalR Service Owner"):
        await connection.client_endpoint()
    assert len(kept.service.requests) == 4
    assert len(kept.identity.requests) == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [(None, "has no KeyId and AccessKey"), ({"KeyId": "", "AccessKey": ""}, "has no KeyId and AccessKey")],
)
async def test_answer_without_a_key_is_an_error(
    kept: Cloud, clock: Clock, body: object, message: str
) -> None:
    kept.service.fail(200, body)
    with pytest.raises(Exception, match=message):
        await connect(IDENTITY, clock).client_endpoint()


async def test_service_that_is_down_is_told(kept: Cloud, clock: Clock) -> None:
    kept.service.fail(404)
    with pytest.raises(Exception, match=r"GET /api/v1/auth/accessKey of https://chat.* failed with 404"):
        await connect(IDENTITY, clock).client_endpoint()


async def test_identity_without_a_token_is_told(kept: Cloud, clock: Clock) -> None:
    kept.identity.known.clear()
    with pytest.raises(
        UnauthorizedError,
        match=rf"no access token .*the managed identity {CLIENT} could not get one: No User",
    ):
        await connect(IDENTITY, clock).client_endpoint()
