"""A key pasted into every place: no message, no traceback, no log and no health report has it."""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serverless_signalr._connection.settings import read_instances
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.connection import ServiceConnection
from serverless_signalr.errors import ServiceError
from serverless_signalr.health import check_health
from tests.serverless_signalr.azure_fakes.clock import Clock
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, TENANT, Cloud

KEY = "S3cr3tS3cr3tS3cr3t+S3cr3tS3cr3tS3cr3tS3cr3t/="
URI = "https://chat.service.signalr.net"
VALID = f"Endpoint={URI};AccessKey={KEY};Version=1.0;"
REFERENCE = "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"
SETTING = "AzureSignalRConnectionString"

STRINGS = [
    KEY,
    f"{KEY};{KEY}",
    f"AccessKey={KEY}",
    f"Endpoint={KEY}",
    f"Endpoint={KEY};AccessKey={KEY}",
    f"Endpoint=https://{KEY};AccessKey={KEY}",
    f"Endpoint=https://{KEY}@chat.service.signalr.net;AccessKey={KEY}",
    f"Endpoint={URI}/{KEY};AccessKey={KEY}",
    f"Endpoint={URI}?{KEY};AccessKey={KEY}",
    f"Endpoint={URI}AccessKey={KEY}",
    f"Endpoint={URI};{KEY}",
    f"Endpoint={URI};{KEY}=",
    f"Endpoint={URI};AccessKey={KEY};AccessKey={KEY}",
    f"Endpoint={URI};AccessKey={KEY[:10]} {KEY}",
    f'Endpoint={URI};AccessKey="{KEY}"',
    f'"Endpoint={URI};AccessKey={KEY};"',
    f"Endpoint={URI};AccessKey={KEY};ClientEndpoint={KEY}",
    f"Endpoint={URI};AccessKey={KEY};ServerEndpoint={KEY}",
    f"Endpoint={URI};AccessKey={KEY};Port={KEY}",
    f"Endpoint={URI};AccessKey={KEY};Version={KEY}",
    f"Endpoint={URI};AccessKey={KEY};AuthType=azure",
    f"Endpoint={URI};AuthType={KEY}",
    f"Endpoint={URI};AuthType=azure.msi;ClientId={KEY}",
    f"Endpoint={URI};AuthType=azure;TenantId={KEY}",
    f"Endpoint={URI};AuthType=azure.app;ClientSecret={KEY}",
    f"Endpoint={URI};AuthType=azure.app;ClientId={CLIENT};TenantId={TENANT};ClientSecret={KEY};ClientCert=x",
    f"https://chat.service.signalr.net;AccessKey={KEY}",
    f"@Microsoft.KeyVault({KEY})",
    f"@Microsoft.KeyVault({KEY}=x)",
    f"@Microsoft.KeyVault(VaultName={KEY};SecretName=x)",
    f"@Microsoft.KeyVault(VaultName=main;SecretName={KEY})",
    f"@Microsoft.KeyVault(VaultName=main;SecretName=x;SecretVersion={KEY})",
    f"@Microsoft.KeyVault(SecretUri={KEY})",
    f"@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net/secrets/{KEY})",
    f"@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net/secrets/x/{KEY})",
    f"@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net/secrets/x);AccessKey={KEY}",
    f"@Microsoft.KeyVault(SecretUri=https://[{KEY}]/secrets/x)",
    f"@Microsoft.KeyVault(SecretUri=https://{KEY.replace('/', '')}\u2100.net/secrets/x)",
    f"@Microsoft.KeyVault(SecretUri=https://:{KEY.replace('/', '')}@main.vault.azure.net/secrets/x)",
    f"@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net:{KEY.replace('/', '')}/secrets/x)",
    f"@Microsoft.AppConfiguration({KEY})",
]
MEMBERS = [
    {"serviceUri": KEY},
    {"serviceUri": f"{URI}/{KEY}"},
    *(
        {"serviceUri": URI, name: KEY}
        for name in (
            "credential",
            "clientId",
            "tenantId",
            "clientSecret",
            "clientEndpoint",
            "serverEndpoint",
            "type",
            "managedIdentityResourceId",
        )
    ),
    {"serviceUri": URI, "clientId": CLIENT, "clientSecret": KEY},
]


@pytest.fixture(autouse=True)
def listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.fixture
def check(caplog: pytest.LogCaptureFixture) -> Callable[[BaseException], None]:
    def check(error: BaseException) -> None:
        shown = "".join(traceback.format_exception(error)) + repr(error)
        for hidden in hidden_forms():
            assert hidden not in shown
            assert hidden not in caplog.text

    return check


def hidden_forms() -> Iterator[str]:
    yield KEY
    yield KEY.lower()
    yield KEY[:15]


type Check = Callable[[BaseException], None]


@pytest.mark.parametrize("text", STRINGS)
def test_key_in_a_wrong_connection_string_is_not_shown(text: str, check: Check) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - which one, other tests check
        ServiceConnection(read_instances(environment={SETTING: text}))
    check(raised.value)


@pytest.mark.parametrize("members", MEMBERS, ids=[str(list(item)) for item in MEMBERS])
@pytest.mark.parametrize("section", [SETTING, "Azure__SignalR__Endpoints__east"])
def test_key_in_a_wrong_setting_is_not_shown(members: dict[str, str], section: str, check: Check) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        ServiceConnection(
            read_instances(environment={f"{section}__{name}": value for name, value in members.items()})
        )
    check(raised.value)


@pytest.mark.parametrize("text", [text for text in STRINGS if not text.startswith("@")])
async def test_key_in_a_wrong_secret_is_not_shown(
    cloud: Cloud, clock: Clock, text: str, check: Check
) -> None:
    cloud.vault.put("signalr", text)
    connection = ServiceConnection(read_instances(environment={SETTING: REFERENCE}), clock=clock)
    with pytest.raises(ServiceError) as raised:
        await connection.client_endpoint()
    check(raised.value)
    found = json.dumps((await check_health(environment={SETTING: REFERENCE})).to_dict())
    assert not [hidden for hidden in hidden_forms() if hidden in found]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
async def test_key_that_a_vault_repeats_is_not_shown(
    cloud: Cloud, clock: Clock, pauses: list[float], status: int, check: Check
) -> None:
    cloud.vault.fail(status, {"error": {"code": KEY, "message": KEY, "innererror": {"code": KEY}}})
    connection = ServiceConnection(read_instances(environment={SETTING: REFERENCE}), clock=clock)
    with pytest.raises(ServiceError) as raised:
        await connection.client_endpoint()
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503])
@pytest.mark.parametrize("settings", [{SETTING: VALID}, {SETTING: REFERENCE}], ids=["string", "reference"])
async def test_key_and_tokens_are_not_shown_where_the_service_fails(
    cloud: Cloud,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    check: Check,
    settings: dict[str, str],
    status: int,
) -> None:
    cloud.vault.put("signalr", VALID)
    cloud.service.fail(status)
    connection = ServiceConnection(read_instances(environment=settings), clock=clock)
    with pytest.raises(ServiceError) as raised:
        await connection.client("chat", retries=0).send_to_all("x")
    check(raised.value)
    assert "eyJ" not in caplog.text + str(raised.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
async def test_secret_of_an_application_and_temporary_keys_are_not_shown(
    cloud: Cloud,
    clock: Clock,
    pauses: list[float],
    caplog: pytest.LogCaptureFixture,
    check: Check,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("serverless_signalr._connection.credential._PAUSE", 0.0)
    settings = {
        f"{SETTING}__serviceUri": URI,
        f"{SETTING}__clientId": CLIENT,
        f"{SETTING}__tenantId": TENANT,
        f"{SETTING}__clientSecret": KEY,
    }
    connection = ServiceConnection(read_instances(environment=settings), clock=clock)
    with pytest.raises(ServiceError) as refused:
        await connection.client_endpoint()
    check(refused.value)
    cloud.entra.client_secret = KEY
    clock.pass_by(seconds=5)
    token = sign_client_token(await connection.client_endpoint(), "chat")
    cloud.service.fail(status)
    with pytest.raises(ServiceError) as raised:
        await connection.client("chat", retries=0).send_to_all("x")
    check(raised.value)
    for hidden in (token, "eyJ", *cloud.service.temporary.values()):
        assert hidden not in caplog.text


@pytest.mark.parametrize("settings", [{SETTING: VALID}, {SETTING: REFERENCE}], ids=["string", "reference"])
async def test_nothing_that_can_be_printed_shows_the_key(
    cloud: Cloud, clock: Clock, settings: dict[str, Any]
) -> None:
    cloud.vault.put("signalr", VALID)
    sources = read_instances(environment=settings)
    connection = ServiceConnection(sources, clock=clock)
    client = connection.client("chat")
    for printed in (sources, connection, connection.instances, await connection.client_endpoint(), client):
        assert KEY not in repr(printed)
        assert KEY not in str(printed)
