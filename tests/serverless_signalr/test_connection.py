"""A connection in each of its forms: what a client and what a request to the service is opened with."""

import asyncio
import hmac
import logging
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from pytest_mock import MockerFixture

from serverless_signalr._connection.settings import read_instances
from serverless_signalr._connection.vault import VaultError
from serverless_signalr._rest.background import run_sync
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.connection import ServiceConnection, service_connection
from serverless_signalr.errors import ConnectionStringError, ServiceUnavailableError, UnauthorizedError
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.protocol.signature import sign
from tests.serverless_signalr.azure_fakes.clock import Clock, until
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, TENANT, Cloud, forbidden

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
OTHER_KEY = KEY[::-1]
URI = "https://chat.service.signalr.net"
REFERENCE = {"Mine": "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"}
IDENTITY = {"Mine__serviceUri": URI, "Mine__credential": "managedidentity", "Mine__clientId": CLIENT}


def connection_string(key: str) -> str:
    return f"Endpoint={URI};AccessKey={key};Version=1.0;"


def connect(settings: dict[str, str], clock: Clock) -> ServiceConnection:
    return ServiceConnection(read_instances("Mine", settings), clock=clock)


def serves_with(connection: ServiceConnection, key: str) -> Callable[[], Awaitable[bool]]:
    async def does() -> bool:
        return (await connection.client_endpoint()).access_key == key

    return does


@pytest.fixture
def kept(cloud: Cloud) -> Cloud:
    """Return a cloud whose vault has the connection string, and whose identity is assigned."""
    cloud.vault.put("signalr", connection_string(KEY))
    cloud.service.keys.add(KEY)
    cloud.identity.known.add(CLIENT)
    return cloud


# By a connection string.


async def test_connection_string_with_a_key_opens_everything(kept: Cloud, clock: Clock) -> None:
    connection = connect({"Mine": connection_string(KEY)}, clock)
    assert (await connection.client_endpoint()).access_key == KEY
    async with connection.client("chat") as client:
        await client.send_to_all("newMessage", 1)
    assert kept.service.bodies == [{"target": "newMessage", "arguments": [1]}]
    assert (kept.vault.requests, kept.identity.requests) == ([], [])


def test_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(ConnectionStringError, match="the app setting Mine is wrong"):
        service_connection("Mine", {"Mine": f"AccessKey={KEY}"})


async def test_who_asks_for_the_same_connection_gets_the_same(cloud: Cloud) -> None:
    first, second = (service_connection("Mine", dict(REFERENCE)) for _ in range(2))
    assert first is second


async def test_client_has_the_options_of_a_service_client(kept: Cloud, clock: Clock) -> None:
    kept.service.fail(500)
    for settings in ({"Mine": connection_string(KEY)}, REFERENCE, IDENTITY):
        client = connect(settings, clock).client("chat", retries=0, timeout=timedelta(seconds=9))
        with pytest.raises(ServiceUnavailableError):
            await client.close_all_connections()
    assert len(kept.service.requests) == 3


# By a reference to Key Vault.


async def test_reference_is_read_once_by_whoever_needs_it_first(kept: Cloud, clock: Clock) -> None:
    connection = connect(REFERENCE, clock)
    assert kept.vault.requests == []
    client = connection.client("chat")
    await asyncio.gather(*(client.send_to_all("x") for _ in range(5)), connection.client_endpoint())
    assert (await connection.client_endpoint()).access_key == KEY
    assert (kept.vault.reads, len(kept.service.sends)) == (["/secrets/signalr/"], 5)


async def test_log_says_that_the_platform_has_not_resolved_the_reference(
    kept: Cloud, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    connect({**REFERENCE, "Mine__clientId": CLIENT}, clock)
    assert caplog.messages == [
        "the app setting Mine still holds its reference to Key Vault, so bindings cannot use it; code reads "
        f"the secret signalr of the vault main.vault.azure.net as the identity {CLIENT} that "
        "DefaultAzureCredential finds"
    ]


async def test_secret_is_read_again_after_half_an_hour_without_waiting(kept: Cloud, clock: Clock) -> None:
    connection = connect(REFERENCE, clock)
    await connection.client_endpoint()
    kept.vault.put("signalr", connection_string(OTHER_KEY))
    clock.pass_by(minutes=29)
    assert (await connection.client_endpoint()).access_key == KEY
    clock.pass_by(minutes=1)
    assert (await connection.client_endpoint()).access_key == KEY
    await until(serves_with(connection, OTHER_KEY))
    assert len(kept.vault.reads) == 2


async def test_app_that_has_slept_waits_for_the_secret(kept: Cloud, clock: Clock) -> None:
    connection = connect(REFERENCE, clock)
    await connection.client_endpoint()
    kept.vault.put("signalr", connection_string(OTHER_KEY))
    clock.pass_by(minutes=45)
    assert (await connection.client_endpoint()).access_key == OTHER_KEY


def take_down(cloud: Cloud) -> None:
    cloud.down.add("main.vault.azure.net")


def refuse(cloud: Cloud) -> None:
    cloud.vault.fail(403, forbidden("ForbiddenByRbac"))


def disable(cloud: Cloud) -> None:
    cloud.vault.secrets["signalr"][-1].is_enabled = False


def spoil(cloud: Cloud) -> None:
    cloud.vault.put("signalr", f"AccessKey={OTHER_KEY}")


@pytest.mark.parametrize(
    "break_it",
    [
        take_down,
        refuse,
        disable,
        spoil,
        lambda cloud: cloud.vault.secrets.clear(),
        lambda cloud: cloud.vault.fail(429, headers={"Retry-After": "30"}),
        lambda cloud: cloud.vault.break_off(),
        lambda cloud: cloud.identity.fail(500) or cloud.tokens.revoke(),
    ],
    ids=["down", "no-role", "disabled", "malformed", "removed", "throttled", "breaks-off", "no-token"],
)
async def test_old_secret_serves_while_the_vault_has_no_other(
    kept: Cloud,
    clock: Clock,
    pauses: list[float],
    caplog: pytest.LogCaptureFixture,
    break_it: Callable[[Cloud], None],
) -> None:
    connection = connect(REFERENCE, clock)
    await connection.client_endpoint()
    break_it(kept)
    for _ in range(10):
        clock.pass_by(hours=3)
        assert (await connection.client_endpoint()).access_key == KEY
    assert "; what is known from before serves on" in caplog.text


async def test_secret_is_read_when_the_vault_is_back(kept: Cloud, clock: Clock, pauses: list[float]) -> None:
    connection = connect(REFERENCE, clock)
    take_down(kept)
    with pytest.raises(VaultError, match="the vault was not reached"):
        await connection.client_endpoint()
    kept.down.clear()
    with pytest.raises(VaultError, match="the vault was not reached"):
        await connection.client_endpoint()
    clock.pass_by(seconds=5)
    assert (await connection.client_endpoint()).access_key == KEY


async def test_vault_that_wants_a_pause_is_left_alone_for_it(kept: Cloud, clock: Clock) -> None:
    connection = connect(REFERENCE, clock)
    kept.vault.fail(429, headers={"Retry-After": "30"})
    for _ in range(6):
        with pytest.raises(VaultError, match="too much is asked"):
            await connection.client_endpoint()
        clock.pass_by(seconds=5)
    assert len(kept.vault.requests) == 1
    kept.vault.recover()
    assert (await connection.client_endpoint()).access_key == KEY


async def test_secret_is_read_again_at_once_where_the_service_refuses_its_key(
    kept: Cloud, clock: Clock
) -> None:
    connection = connect(REFERENCE, clock)
    async with connection.client("chat") as client:
        await client.send_to_all("first")
        kept.vault.put("signalr", connection_string(OTHER_KEY))
        kept.service.keys = {OTHER_KEY}
        await asyncio.gather(*(client.send_to_all("second") for _ in range(5)))
    assert [body["target"] for body in kept.service.bodies] == ["first"] + ["second"] * 5
    assert len(kept.vault.reads) == 2
    assert (await connection.client_endpoint()).access_key == OTHER_KEY


async def test_key_that_is_wrong_and_stays_so_is_told(kept: Cloud, clock: Clock) -> None:
    kept.service.keys = {OTHER_KEY}
    client = connect(REFERENCE, clock).client("chat")
    for _ in range(5):
        with pytest.raises(UnauthorizedError, match="compare AccessKey of the connection string"):
            await client.send_to_all("x")
    assert (len(kept.vault.reads), kept.service.bodies) == (2, [])


async def test_refusal_that_no_key_would_change_leaves_the_vault_alone(kept: Cloud, clock: Clock) -> None:
    kept.service.fail(403)
    with pytest.raises(UnauthorizedError, match="answered 403"):
        await connect(REFERENCE, clock).client("chat").send_to_all("x")
    assert len(kept.vault.reads) == 1


async def test_secret_may_name_an_identity(kept: Cloud, clock: Clock) -> None:
    kept.vault.put("signalr", f"Endpoint={URI};AuthType=azure.msi;ClientId={CLIENT}")
    connection = connect(REFERENCE, clock)
    await connection.client("chat").send_to_all("x")
    assert (await connection.client_endpoint()).key_id == "key-1"
    assert kept.identity.requests[-1].endswith(f"resource=https://signalr.azure.com&client_id={CLIENT}")


async def test_secret_of_an_application_may_be_in_the_vault(kept: Cloud, clock: Clock) -> None:
    kept.entra.client_secret = "s3cret"
    kept.vault.put("app", "s3cret")
    settings = {
        "Mine__serviceUri": URI,
        "Mine__clientId": CLIENT,
        "Mine__tenantId": TENANT,
        "Mine__clientSecret": "@Microsoft.KeyVault(VaultName=main;SecretName=app)",
    }
    await connect(settings, clock).client("chat").send_to_all("x")
    assert kept.entra.forms[0]["client_secret"] == "s3cret"
    assert kept.service.sends == ["/api/hubs/chat/:send"]


# By an identity.


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
    with pytest.raises(UnauthorizedError, match=f"gave the managed identity {CLIENT} no key"):
        await connection.client_endpoint()


async def test_role_that_is_missing_is_named(kept: Cloud, clock: Clock) -> None:
    kept.service.may_sign = False
    with pytest.raises(UnauthorizedError) as raised:
        await connect(IDENTITY, clock).client_endpoint()
    assert str(raised.value).startswith(
        f"https://chat.service.signalr.net gave the managed identity {CLIENT} no key to sign clients' tokens "
        "with, it answered 403 (with a fresh token too): grant that identity the role SignalR Service Owner"
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
    with pytest.raises(UnauthorizedError, match=r"answered 401 .*the role SignalR Service Owner"):
        await connection.client_endpoint()
    assert len(kept.service.requests) == 4
    assert len(kept.identity.requests) == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [(None, "without KeyId and AccessKey"), ({"KeyId": "", "AccessKey": ""}, "without KeyId and AccessKey")],
)
async def test_answer_without_a_key_is_an_error(
    kept: Cloud, clock: Clock, body: object, message: str
) -> None:
    kept.service.fail(200, body)
    with pytest.raises(Exception, match=message):
        await connect(IDENTITY, clock).client_endpoint()


async def test_service_that_is_down_is_told(kept: Cloud, clock: Clock) -> None:
    kept.service.fail(404)
    with pytest.raises(Exception, match=r"GET /api/v1/auth/accessKey of https://chat.* was answered 404"):
        await connect(IDENTITY, clock).client_endpoint()


async def test_identity_without_a_token_is_told(kept: Cloud, clock: Clock) -> None:
    kept.identity.known.clear()
    with pytest.raises(
        UnauthorizedError, match=rf"there is no token .*the managed identity {CLIENT} got none: No User"
    ):
        await connect(IDENTITY, clock).client_endpoint()


# The signature of upstream requests.


async def test_signature_is_checked_with_the_key(kept: Cloud, clock: Clock) -> None:
    connection = connect(REFERENCE, clock)
    assert await connection.is_signed("c", sign("c", [OTHER_KEY, KEY]))
    assert not await connection.is_signed("c", sign("other", [KEY]))


async def test_signature_with_a_new_key_has_the_secret_read_again_but_not_each_wrong_one(
    kept: Cloud, clock: Clock
) -> None:
    connection = connect(REFERENCE, clock)
    assert await connection.is_signed("c", sign("c", [KEY]))
    kept.vault.put("signalr", connection_string(OTHER_KEY))
    assert await connection.is_signed("c", sign("c", [OTHER_KEY]))
    for _ in range(10):
        assert not await connection.is_signed("c", sign("c", ["x" * 32]))
    assert len(kept.vault.reads) == 3


async def test_a_wrong_signature_is_checked_once_where_there_is_nothing_to_read_again(
    kept: Cloud, clock: Clock, mocker: MockerFixture
) -> None:
    connection = connect({"Mine": connection_string(KEY)}, clock)
    digest: Any = mocker.spy(hmac, "digest")
    assert not await connection.is_signed("c", sign("c", ["x" * 32]))
    assert digest.call_count == 2  # The test's own and the check's.


async def test_identity_knows_no_signature(kept: Cloud, clock: Clock) -> None:
    assert not await connect(IDENTITY, clock).is_signed("c", sign("c", [KEY]))


# In hubs and event loops.


async def test_hub_negotiates_and_sends_by_a_reference(kept: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    class Chat(ServerlessHub, connection="Mine"):
        pass

    monkeypatch.setenv("Mine", REFERENCE["Mine"])
    chat = Chat()
    info = await chat.negotiate(user_id="ann")
    await chat.clients.all.send("newMessage", "hello")
    assert info.url == f"{URI}/client/?hub=chat"
    assert kept.service.verify(info.access_token)["asrs.s.uid"] == "ann"
    assert kept.service.bodies == [{"target": "newMessage", "arguments": ["hello"]}]


async def test_hub_negotiates_by_an_identity(kept: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    class Chat(ServerlessHub, connection="Mine"):
        pass

    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    info = await Chat().negotiate(user_id="ann")
    assert kept.service.verify(info.access_token)["asrs.s.uid"] == "ann"


async def test_connection_serves_several_event_loops(kept: Cloud, clock: Clock) -> None:
    """Read, sign and send from this loop, from a sync function, and from a loop of its own."""
    connection = connect(REFERENCE, clock)
    identity = connect(IDENTITY, clock)

    async def use() -> str | None:
        await connection.client("chat").send_to_all("x")
        await identity.client("chat").send_to_all("x")
        await identity.client_endpoint()
        return (await connection.client_endpoint()).access_key

    done: list[str | None] = [await use()]
    done.append(await asyncio.to_thread(lambda: run_sync(use())))
    thread = threading.Thread(target=lambda: done.append(asyncio.run(use())))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert done == [KEY] * 3
    assert (len(kept.vault.reads), len(kept.service.sends)) == (1, 6)


async def test_no_secret_is_in_a_log(kept: Cloud, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for settings in (REFERENCE, IDENTITY):
        connection = connect(settings, clock)
        await connection.client("chat").send_to_all("x")
        token = sign_client_token(await connection.client_endpoint(), "chat")
        assert token not in caplog.text
    for hidden in (KEY, *kept.service.temporary.values(), "eyJ0eXAi"):
        assert hidden not in caplog.text
