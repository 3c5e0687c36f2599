"""A connection in each of its forms: what a client and what a request to the service is opened with."""

import asyncio
import hmac
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_mock import MockerFixture

from serverless_signalr._connection.vault import VaultError
from serverless_signalr._rest.background import run_sync
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.connection import service_connection
from serverless_signalr.errors import ConnectionStringError, ServiceUnavailableError, UnauthorizedError
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.protocol.signature import sign
from tests.serverless_signalr.azure_fakes.clock import Clock, until
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, TENANT, Cloud, forbidden
from tests.serverless_signalr.azure_fakes.connections import (
    IDENTITY,
    KEY,
    OTHER_KEY,
    REFERENCE,
    URI,
    connect,
    connection_string,
    serves_with,
)

# By a connection string.


async def test_connection_string_with_a_key_opens_everything(kept: Cloud, clock: Clock) -> None:
    connection = connect({"Mine": connection_string(KEY)}, clock)
    assert (await connection.client_endpoint()).access_key == KEY
    async with connection.client("chat") as client:
        await client.send_to_all("newMessage", 1)
    assert kept.service.bodies == [{"target": "newMessage", "arguments": [1]}]
    assert (kept.vault.requests, kept.identity.requests) == ([], [])


def test_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(ConnectionStringError, match="the app setting Mine is invalid"):
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
        "the app setting Mine holds an unresolved Key Vault reference: bindings cannot use it; the library "
        f"reads the secret signalr in the vault main.vault.azure.net as the identity {CLIENT} that "
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
    assert "; the previous value stays in use" in caplog.text


async def test_secret_is_read_when_the_vault_is_back(kept: Cloud, clock: Clock, pauses: list[float]) -> None:
    connection = connect(REFERENCE, clock)
    take_down(kept)
    with pytest.raises(VaultError, match="the vault could not be reached"):
        await connection.client_endpoint()
    kept.down.clear()
    with pytest.raises(VaultError, match="the vault could not be reached"):
        await connection.client_endpoint()
    clock.pass_by(seconds=5)
    assert (await connection.client_endpoint()).access_key == KEY


async def test_vault_that_wants_a_pause_is_left_alone_for_it(kept: Cloud, clock: Clock) -> None:
    connection = connect(REFERENCE, clock)
    kept.vault.fail(429, headers={"Retry-After": "30"})
    for _ in range(6):
        with pytest.raises(VaultError, match="the vault throttles requests"):
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
    with pytest.raises(UnauthorizedError, match="failed with 403"):
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
