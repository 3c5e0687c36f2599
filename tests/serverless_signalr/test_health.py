"""The health function: what it says of a connection in every form, and never a value."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from blueprints.health import bp, health
from serverless_signalr import FunctionApp
from serverless_signalr.health import HealthStatus, check_health
from signalr_local.emulator import Emulator
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, Cloud, forbidden

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
URI = "https://chat.service.signalr.net"
VALUE = f"Endpoint={URI};AccessKey={KEY};Version=1.0;"
SETTING = "AzureSignalRConnectionString"
VERSION = "0" * 31 + "1"
REFERENCE = "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"
IDENTITY = {f"{SETTING}__serviceUri": URI, f"{SETTING}__credential": "managedidentity"}


@pytest.fixture(autouse=True)
def filled(cloud: Cloud) -> None:
    cloud.vault.put("signalr", VALUE)
    cloud.service.keys.add(KEY)


async def report(settings: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = (await check_health(environment=settings)).to_dict()
    assert KEY not in json.dumps(found)
    return found


async def problem(settings: dict[str, str]) -> str:
    """Return what is wrong with the one instance."""
    found = await report(settings)
    assert found["status"] == "unhealthy"
    [instance] = found["instances"]
    text: str = instance["problem"]
    return text


# Healthy.


async def test_connection_string_is_named_by_its_setting_and_its_address() -> None:
    assert await report({SETTING: VALUE}) == {
        "status": "healthy",
        "instances": [
            {
                "setting": SETTING,
                "name": "",
                "type": "Primary",
                "endpoint": URI,
                "openedBy": "an access key",
                "secrets": [],
                "problem": None,
            }
        ],
    }


async def test_secret_is_named_with_its_vault_and_who_reads_it() -> None:
    reference = f"@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net/secrets/signalr/{VERSION})"
    found = await report({SETTING: reference, f"{SETTING}__credential": "managedidentity"})
    assert found["status"] == "healthy"
    assert found["instances"][0]["secrets"] == [
        {
            "setting": SETTING,
            "vault": "https://main.vault.azure.net",
            "secret": "signalr",
            "version": VERSION,
            "readAs": "the system-assigned managed identity",
        }
    ]


async def test_identity_is_named() -> None:
    found = await report(IDENTITY)
    assert found["status"] == "healthy"
    assert found["instances"][0]["openedBy"] == "the system-assigned managed identity"


async def test_every_endpoint_is_told_of(cloud: Cloud) -> None:
    cloud.backup.keys.add(KEY)
    settings = {
        SETTING: VALUE,
        "Azure__SignalR__Endpoints__b__secondary": VALUE.replace("//chat.", "//backup."),
    }
    cloud.down.add("backup.service.signalr.net")
    found = await report(settings)
    assert found["status"] == "degraded"
    assert [(item["name"], item["type"], item["problem"] is None) for item in found["instances"]] == [
        ("", "Primary", True),
        ("b", "Secondary", False),
    ]


# Unhealthy.


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({}, f"the app setting {SETTING} is not set, expected the connection", id="missing"),
        pytest.param(
            {SETTING: f"{URI};AccessKey={KEY}"},
            f"the app setting {SETTING} is invalid: it holds",
            id="malformed",
        ),
        pytest.param(
            {SETTING: "@Microsoft.KeyVault(VaultName=main)"},
            f"the app setting {SETTING} is invalid: SecretName of the Key Vault reference",
            id="malformed-reference",
        ),
        pytest.param({SETTING: VALUE.replace("chat", "none")}, "failed: no connection", id="no-such-service"),
        pytest.param(
            {SETTING: VALUE.replace(KEY, KEY[::-1])}, "compare AccessKey of the connection", id="wrong-key"
        ),
    ],
)
async def test_setting_that_is_wrong_is_told(settings: dict[str, str], message: str) -> None:
    assert message in await problem(settings)


@pytest.mark.parametrize(
    ("break_it", "settings", "message"),
    [
        pytest.param(
            lambda cloud: cloud.vault.fail(403, forbidden("ForbiddenByRbac")),
            {SETTING: REFERENCE},
            f"the secret signalr in the vault main.vault.azure.net, referenced by the app setting {SETTING}, "
            "could not be read as the identity that DefaultAzureCredential finds: the vault answered 403 "
            "(ForbiddenByRbac); grant the identity that DefaultAzureCredential finds the role Key Vault "
            "Secrets User on the vault",
            id="no-role-on-the-vault",
        ),
        pytest.param(
            lambda cloud: cloud.vault.put("signalr", KEY),
            {SETTING: REFERENCE},
            "is invalid: part 1 of the connection string is not a known Name=Value pair",
            id="secret-is-no-connection-string",
        ),
        pytest.param(
            lambda cloud: setattr(cloud.service, "may_sign", False),
            IDENTITY,
            "Grant the identity the role SignalR Service Owner",
            id="no-role-on-the-service",
        ),
        pytest.param(
            lambda cloud: cloud.identity.fail(400, {"message": "none"}),
            IDENTITY,
            "no access token for https://signalr.azure.com/.default",
            id="no-identity",
        ),
        pytest.param(
            lambda cloud: cloud.service.fail(503),
            {SETTING: VALUE},
            f"{URI}: HEAD /api/hubs/health/connections/health failed with 503",
            id="service-is-ill",
        ),
    ],
)
async def test_what_is_missing_is_told_with_what_to_do(
    cloud: Cloud, break_it: Callable[[Cloud], Any], settings: dict[str, str], message: str
) -> None:
    break_it(cloud)
    assert message in await problem(settings)


async def test_emulator_is_healthy_only_to_who_has_its_key() -> None:
    emulator = Emulator()
    await emulator.start(port=0)
    try:
        right = emulator.connection_string.replace("localhost", "127.0.0.1")
        assert (await report({SETTING: right}))["status"] == "healthy"
        assert "compare AccessKey of the connection" in await problem(
            {SETTING: right.replace(KEY, KEY[::-1])}
        )
    finally:
        await emulator.stop()


async def test_looking_replaces_a_key_that_the_service_has_forgotten(cloud: Cloud) -> None:
    await report(IDENTITY)
    cloud.service.temporary["key-1"] = "a key that nobody knows any more, nowhere"
    assert (await report(IDENTITY))["status"] == "healthy"
    assert list(cloud.service.temporary) == ["key-1", "key-2"]


# The function.


@pytest.mark.parametrize(
    ("settings", "status", "state"),
    [
        ({SETTING: VALUE}, 200, HealthStatus.HEALTHY),
        (
            {SETTING: VALUE, "Azure__SignalR__Endpoints__b": VALUE.replace("//chat.", "//none.")},
            200,
            HealthStatus.DEGRADED,
        ),
        ({SETTING: ""}, 503, HealthStatus.UNHEALTHY),
    ],
    ids=["healthy", "degraded", "unhealthy"],
)
async def test_function_answers_whether_clients_can_be_served(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], status: int, state: HealthStatus
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    answer = await call()
    assert (answer.status_code, json.loads(answer.get_body())["status"]) == (status, state.value)
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("application/json", "no-store")


async def call() -> func.HttpResponse:
    function: Any = health._function.get_user_function()
    answer: func.HttpResponse = await function(func.HttpRequest("GET", "/api/health", body=b""))
    return answer


def test_function_needs_a_key() -> None:
    app = FunctionApp()
    app.register_functions(bp)
    [function] = app.get_functions()
    [trigger] = [binding for binding in map(json.loads, function.get_raw_bindings()) if "route" in binding]
    assert (trigger["route"], trigger["methods"], trigger["authLevel"]) == ("health", ["GET"], "FUNCTION")


async def test_report_of_the_documentation_is_the_one_that_is_given(cloud: Cloud) -> None:
    page = (Path(__file__).parents[2] / "docs" / "connections.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"^```json\n(.*?)^```", page.replace("kv-chat", "main"), re.MULTILINE | re.DOTALL)
    cloud.vault.fail(403, forbidden("ForbiddenByRbac"))
    cloud.identity.known.add(CLIENT)
    managed = {f"{SETTING}__credential": "managedidentity", f"{SETTING}__clientId": CLIENT}
    given = await report({SETTING: REFERENCE, **managed})
    assert given == json.loads(shown)
