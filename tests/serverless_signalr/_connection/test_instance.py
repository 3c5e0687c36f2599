"""The instances of a connection: which are up, which are the same, and where clients are sent."""

import asyncio
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import pytest

from serverless_signalr._connection.vault import VaultError
from serverless_signalr._models.negotiation import SignalREndpoint
from serverless_signalr.connection import ServiceConnection
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.protocol.signature import sign
from tests.serverless_signalr.azure_fakes.clock import Clock, until
from tests.serverless_signalr.azure_fakes.cloud import Cloud, Vault
from tests.serverless_signalr.azure_fakes.endpoints import (
    BACKUP,
    BACKUP_KEY,
    ENDPOINTS,
    KEY,
    MAIN,
    REFERENCE,
    connect,
)


@pytest.fixture
def connection(cloud: Cloud, clock: Clock, pauses: list[float]) -> ServiceConnection:
    cloud.service.keys.add(KEY)
    cloud.backup.keys.add(BACKUP_KEY)
    return connect(ENDPOINTS, clock)


def choose(name: str) -> Callable[[Sequence[SignalREndpoint]], SignalREndpoint]:
    return lambda endpoints: next(endpoint for endpoint in endpoints if endpoint.name == name)


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
    assert caplog.text.count("which is used once: remove one of the two") == 1


async def test_probe_that_takes_long_is_given_up(
    cloud: Cloud, connection: ServiceConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough for the other instance to respond on a slow machine, imports included.
    import_module("serverless_signalr._rest.pipeline")
    monkeypatch.setattr("serverless_signalr._connection.instance._PROBE_LIMIT", 2.0)
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


async def test_signature_of_any_endpoint_is_believed(connection: ServiceConnection) -> None:
    for key in (KEY, BACKUP_KEY):
        assert await connection.is_signed("c", sign("c", [key]))
    assert not await connection.is_signed("c", sign("c", ["x" * 32]))
