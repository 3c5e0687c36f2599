"""A connection with several instances of the service: where clients go, and what is sent where."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from serverless_signalr._connection.settings import read_instances
from serverless_signalr._connection.vault import VaultError
from serverless_signalr.connection import ServiceConnection
from serverless_signalr.errors import (
    NotFoundError,
    PartialSendError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.models import SignalREndpoint
from serverless_signalr.protocol.signature import sign
from serverless_signalr.rest import ServiceClient
from tests.serverless_signalr.azure_fakes.clock import Clock, until
from tests.serverless_signalr.azure_fakes.cloud import Cloud, Vault

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
BACKUP_KEY = KEY[::-1]
MAIN = "https://chat.service.signalr.net"
BACKUP = "https://backup.service.signalr.net"
REFERENCE = "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"
ENDPOINTS = {
    "Azure__SignalR__Endpoints__main": f"Endpoint={MAIN};AccessKey={KEY};Version=1.0;",
    "Azure__SignalR__Endpoints__backup__secondary": f"Endpoint={BACKUP};AccessKey={BACKUP_KEY};Version=1.0;",
}


@pytest.fixture
def connection(cloud: Cloud, clock: Clock, pauses: list[float]) -> ServiceConnection:
    cloud.service.keys.add(KEY)
    cloud.backup.keys.add(BACKUP_KEY)
    return connect(ENDPOINTS, clock)


@pytest.fixture
def client(connection: ServiceConnection) -> ServiceClient:
    return connection.client("chat", retries=0)


def connect(settings: dict[str, str], clock: Clock) -> ServiceConnection:
    return ServiceConnection(read_instances("Mine", settings), clock=clock)


def choose(name: str) -> Callable[[Sequence[SignalREndpoint]], SignalREndpoint]:
    return lambda endpoints: next(endpoint for endpoint in endpoints if endpoint.name == name)


# Where clients go.


async def test_clients_go_to_a_primary_endpoint(connection: ServiceConnection) -> None:
    assert {(await connection.client_endpoint()).url for _ in range(50)} == {MAIN}


async def test_clients_go_where_the_router_sends_them(connection: ServiceConnection) -> None:
    assert (await connection.client_endpoint(choose("backup"))).url == BACKUP


async def test_router_is_told_everything(cloud: Cloud, connection: ServiceConnection) -> None:
    cloud.down.add("backup.service.signalr.net")
    seen: list[SignalREndpoint] = []

    def router(endpoints: Sequence[SignalREndpoint]) -> SignalREndpoint:
        seen.extend(endpoints)
        return endpoints[0]

    await connection.client_endpoint(router)
    assert seen == [
        SignalREndpoint("Secondary", "backup", BACKUP, online=False),
        SignalREndpoint("Primary", "main", MAIN, online=True),
    ]
    assert [shown for shown, _ in await connection.client_endpoints()] == seen


async def test_router_that_returns_anything_else_is_told(connection: ServiceConnection) -> None:
    other = SignalREndpoint("Primary", "other", MAIN, online=True)
    with pytest.raises(ValueError, match=r"the router returned .*'other'.*, expected one of the endpoints"):
        await connection.client_endpoint(lambda endpoints: other)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda cloud: cloud.down.add("chat.service.signalr.net"),
        lambda cloud: cloud.service.fail(503),
        lambda cloud: cloud.service.keys.clear(),
    ],
    ids=["down", "ill", "refuses-the-key"],
)
async def test_clients_go_elsewhere_while_an_endpoint_is_down(
    cloud: Cloud, connection: ServiceConnection, break_it: Callable[[Cloud], Any]
) -> None:
    break_it(cloud)
    assert {(await connection.client_endpoint()).url for _ in range(50)} == {BACKUP}


async def test_clients_come_back_when_the_endpoint_does(
    cloud: Cloud, connection: ServiceConnection, clock: Clock
) -> None:
    cloud.service.fail(503)
    await connection.client_endpoint()
    cloud.service.recover()
    assert (await connection.client_endpoint()).url == BACKUP
    clock.pass_by(seconds=30)

    async def is_back() -> bool:
        return (await connection.client_endpoint()).url == MAIN

    await until(is_back)


async def test_state_is_asked_for_now_and_then(
    cloud: Cloud, connection: ServiceConnection, clock: Clock
) -> None:
    for _ in range(20):
        await connection.client_endpoint()
    assert [line.partition("?")[0] for line in cloud.service.requests] == [
        "HEAD /api/health",
        "HEAD /api/hubs/health/connections/health",
    ]


async def test_state_over_an_identity_is_asked_with_its_temporary_key(cloud: Cloud, clock: Clock) -> None:
    settings = {
        "Azure__SignalR__Endpoints__main__serviceUri": MAIN,
        "Azure__SignalR__Endpoints__main__credential": "managedidentity",
        "Azure__SignalR__Endpoints__other__serviceUri": BACKUP,
        "Azure__SignalR__Endpoints__other__credential": "managedidentity",
    }
    assert [shown.online for shown, _ in await connect(settings, clock).client_endpoints()] == [True, True]
    assert [line.partition("?")[0] for line in cloud.service.requests] == [
        "GET /api/v1/auth/accessKey",
        "HEAD /api/health",
        "HEAD /api/hubs/health/connections/health",
    ]
    assert len(cloud.identity.requests) == 1


@pytest.mark.parametrize(
    "twin",
    [
        {"Mine": f"Endpoint={MAIN}/;AccessKey={KEY};Version=1.0;"},
        {"Azure__SignalR__Endpoints__again__secondary": f"Endpoint={MAIN};AccessKey={KEY};Version=1.0;"},
        {"Azure__SignalR__Endpoints__a": REFERENCE},
    ],
    ids=["unnamed", "secondary", "reference"],
)
async def test_instance_that_is_named_twice_is_sent_to_once(
    cloud: Cloud, clock: Clock, caplog: pytest.LogCaptureFixture, twin: dict[str, str]
) -> None:
    cloud.service.keys.add(KEY)
    cloud.backup.keys.add(BACKUP_KEY)
    cloud.vault.put("signalr", ENDPOINTS["Azure__SignalR__Endpoints__main"])
    connection = connect(ENDPOINTS | twin, clock)
    for _ in range(2):
        await connection.client("chat").send_to_all("x")
    assert (len(cloud.service.sends), len(cloud.backup.sends)) == (2, 2)
    assert [shown.endpoint_type for shown, _ in await connection.client_endpoints()] == [
        "Primary",
        "Secondary",
    ]
    assert caplog.text.count("what is sent goes there once; remove one") == 1


async def test_probe_that_takes_long_is_given_up(
    cloud: Cloud, connection: ServiceConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serverless_signalr._connection.instance._PROBE_LIMIT", 0.05)
    released = cloud.service.hang()
    assert (await connection.client_endpoint()).url == BACKUP
    released.set()


async def test_secrets_are_read_at_the_same_time(cloud: Cloud, clock: Clock) -> None:
    for name in ("a", "b"):
        cloud.vault.put(name, f"Endpoint={MAIN if name == 'a' else BACKUP};AccessKey={KEY}")
    settings = {
        f"Azure__SignalR__Endpoints__{name}": f"@Microsoft.KeyVault(VaultName={vault};SecretName={name})"
        for name, vault in (("a", "main"), ("b", "other"))
    }
    other = cloud.hosts["other.vault.azure.net"] = Vault(tokens=cloud.tokens, secrets=cloud.vault.secrets)
    released = cloud.vault.hang()

    async def is_asked() -> bool:
        return bool(cloud.vault.requests) and bool(other.requests)

    asking = asyncio.create_task(connect(settings, clock).client_endpoints())
    await until(is_asked)
    released.set()
    assert len(await asking) == 2


async def test_endpoint_whose_secret_cannot_be_read_is_left_out(
    cloud: Cloud, clock: Clock, pauses: list[float]
) -> None:
    cloud.backup.keys.add(BACKUP_KEY)
    settings = ENDPOINTS | {"Azure__SignalR__Endpoints__main": REFERENCE}
    assert (await connect(settings, clock).client_endpoint()).url == BACKUP


async def test_error_is_told_where_no_endpoint_is_left(cloud: Cloud, clock: Clock) -> None:
    settings = dict.fromkeys(ENDPOINTS, REFERENCE)
    with pytest.raises(VaultError, match="create the secret"):
        await connect(settings, clock).client_endpoint()


async def test_hub_sends_a_client_where_its_router_says(
    cloud: Cloud, connection: ServiceConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Chat(ServerlessHub):
        pass

    for name, value in ENDPOINTS.items():
        monkeypatch.setenv(name, value)
    chat = Chat()
    assert (await chat.negotiate()).url == f"{MAIN}/client/?hub=chat"
    info = await chat.negotiate(user_id="ann", router=choose("backup"))
    assert info.url == f"{BACKUP}/client/?hub=chat"
    assert cloud.backup.verify(info.access_token)["asrs.s.uid"] == "ann"


# What is sent where.


async def test_message_goes_to_every_endpoint(cloud: Cloud, client: ServiceClient) -> None:
    await client.send_to_group("g", "x")
    path = ["/api/hubs/chat/groups/g/:send"]
    assert (cloud.service.sends, cloud.backup.sends) == (path, path)


async def test_connection_is_looked_for_at_every_endpoint(cloud: Cloud, client: ServiceClient) -> None:
    cloud.backup.connections.add("there")
    assert [await client.connection_exists(name) for name in ("there", "nowhere")] == [True, False]


async def test_client_is_asked_wherever_it_is(cloud: Cloud, client: ServiceClient) -> None:
    cloud.backup.connections.add("there")
    assert await client.invoke_connection("there", "x") == "there"
    with pytest.raises(NotFoundError):
        await client.invoke_connection("nowhere", "x")


async def test_group_has_the_connections_of_every_endpoint(cloud: Cloud, client: ServiceClient) -> None:
    cloud.service.groups["g"] = ["a", "b"]
    cloud.backup.groups["g"] = ["c"]
    found = [item.connection_id async for item in client.list_group_connections("g")]
    assert sorted(found) == ["a", "b", "c"]
    found = [item.connection_id async for item in client.list_group_connections("g", top=2)]
    assert len(found) == 2


async def test_endpoint_that_fails_is_told_once_and_left_out_then(
    cloud: Cloud, client: ServiceClient
) -> None:
    cloud.service.fail(500)
    with pytest.raises(PartialSendError, match="1 of 2 endpoints did not take POST /:send: main: ") as raised:
        await client.send_to_all("first")
    assert list(raised.value.failures) == ["main"]
    await client.send_to_all("second")
    assert [body["target"] for body in cloud.backup.bodies] == ["first", "second"]


async def test_endpoint_that_is_up_again_is_sent_to_again(
    cloud: Cloud, connection: ServiceConnection, client: ServiceClient, clock: Clock
) -> None:
    cloud.service.fail(500)
    with pytest.raises(PartialSendError):
        await client.send_to_all("first")
    cloud.service.recover()
    await client.send_to_all("second")
    clock.pass_by(minutes=2)
    await client.send_to_all("third")
    assert [body["target"] for body in cloud.service.bodies] == ["third"]


async def test_error_is_told_where_all_fail_and_all_are_tried_again(
    cloud: Cloud, client: ServiceClient
) -> None:
    for instance in (cloud.service, cloud.backup):
        instance.fail(503)
    with pytest.raises(ServiceUnavailableError):
        await client.send_to_all("first")
    for instance in (cloud.service, cloud.backup):
        instance.recover()
    await client.send_to_all("second")
    assert (len(cloud.service.bodies), len(cloud.backup.bodies)) == (1, 1)


async def test_endpoint_that_refuses_the_key_is_told_every_time(cloud: Cloud, client: ServiceClient) -> None:
    cloud.service.keys.clear()
    for _ in range(2):
        with pytest.raises(PartialSendError) as raised:
            await client.send_to_all("x")
        assert isinstance(raised.value.failures["main"], UnauthorizedError)


async def test_absence_is_not_concluded_from_an_endpoint_that_does_not_answer(
    cloud: Cloud, client: ServiceClient
) -> None:
    cloud.service.fail(500)
    with pytest.raises(ServiceUnavailableError):
        await client.connection_exists("somewhere")


async def test_health_is_that_of_any_endpoint(cloud: Cloud, client: ServiceClient) -> None:
    cloud.service.fail(503)
    assert await client.is_healthy()
    cloud.backup.fail(503)
    assert not await client.is_healthy()


async def test_health_is_an_error_where_no_address_is_the_service_s(
    cloud: Cloud, client: ServiceClient
) -> None:
    cloud.service.fail(404)
    cloud.backup.fail(404)
    with pytest.raises(NotFoundError):
        await client.is_healthy()


async def test_token_for_one_endpoint_is_not_made(client: ServiceClient) -> None:
    with pytest.raises(ValueError, match="the connection has 2 endpoints and a token is for one of them"):
        await client.generate_token()


async def test_client_that_was_closed_sends_no_more(client: ServiceClient) -> None:
    async with client:
        await client.send_to_all("x")
    with pytest.raises(RuntimeError, match="the client was closed"):
        await client.send_to_all("x")


async def test_wrong_names_are_refused_before_anything_is_sent(
    cloud: Cloud, connection: ServiceConnection, client: ServiceClient
) -> None:
    with pytest.raises(ValueError, match="the hub name '1' is not valid"):
        connection.client("1")
    with pytest.raises(ValueError, match="the user id must not be empty"):
        await client.send_to_user("", "x")
    assert cloud.service.requests == []


async def test_signature_of_any_endpoint_is_believed(connection: ServiceConnection) -> None:
    for key in (KEY, BACKUP_KEY):
        assert await connection.is_signed("c", sign("c", [key]))
    assert not await connection.is_signed("c", sign("c", ["x" * 32]))
