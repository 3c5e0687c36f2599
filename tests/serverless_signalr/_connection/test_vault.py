"""References to secrets, and the secrets: read with the real client from a vault that fails in every way."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from serverless_signalr._connection import vault
from serverless_signalr._connection.vault import SecretReference, VaultError, is_reference, read_secret
from serverless_signalr._identity import Identity, IdentityKind
from serverless_signalr.errors import ConnectionStringError
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, Cloud, forbidden

VALUE = "Endpoint=https://chat.service.signalr.net;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;"
SETTING = "AzureSignalRConnectionString"
IDENTITY = Identity(IdentityKind.MANAGED)
REFERENCE = SecretReference("https://main.vault.azure.net", "signalr")
VERSION = "0" * 31 + "1"


# References.


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        pytest.param(
            "@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net/secrets/signalr)", REFERENCE, id="uri"
        ),
        pytest.param(
            "@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net/secrets/signalr/)",
            REFERENCE,
            id="uri-with-slash",
        ),
        pytest.param(
            f"@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net/secrets/signalr/{VERSION})",
            SecretReference("https://main.vault.azure.net", "signalr", VERSION),
            id="uri-with-version",
        ),
        pytest.param(
            "@Microsoft.KeyVault(SecretUri=https://main.vault.usgovcloudapi.net/secrets/signalr)",
            SecretReference("https://main.vault.usgovcloudapi.net", "signalr"),
            id="uri-in-another-cloud",
        ),
        pytest.param("@Microsoft.KeyVault(VaultName=main;SecretName=signalr)", REFERENCE, id="names"),
        pytest.param(
            f"@Microsoft.KeyVault(VaultName=main;SecretName=signalr;SecretVersion={VERSION})",
            SecretReference("https://main.vault.azure.net", "signalr", VERSION),
            id="names-with-version",
        ),
        pytest.param(
            "@Microsoft.KeyVault(SecretName=signalr;VaultName=MAIN;SecretVersion=)",
            REFERENCE,
            id="any-order-and-an-empty-version",
        ),
        pytest.param(
            " @microsoft.keyvault( vaultname = main ; secretname = signalr ; )\n",
            REFERENCE,
            id="case-and-blanks",
        ),
    ],
)
def test_reference_is_read_in_either_syntax(text: str, reference: SecretReference) -> None:
    assert is_reference(text)
    assert SecretReference.parse(text) == reference


@pytest.mark.parametrize("text", ["", "Endpoint=https://x", "@Microsoft.AppConfiguration(Key=x)", "@"])
def test_what_is_no_reference_is_not_taken_for_one(text: str) -> None:
    assert not is_reference(text)


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        pytest.param("VaultName=main;SecretName=signalr", "does not end with a parenthesis", id="not-closed"),
        pytest.param("VaultName=main;SecretName=signalr);x", "does not end with a paren", id="more-behind"),
        pytest.param(")", "VaultName of the Key Vault reference is missing", id="empty"),
        pytest.param("SecretName=signalr)", "VaultName .* is missing", id="no-vault"),
        pytest.param("VaultName=main)", "SecretName .* is missing", id="no-secret"),
        pytest.param(
            "VaultName=main.vault.azure.net;SecretName=s)",
            "VaultName .* is not a valid name",
            id="vault-host",
        ),
        pytest.param("VaultName=main;SecretName=a_b)", "SecretName .* is not a valid name", id="underscore"),
        pytest.param(
            "VaultName=main;SecretName=s;SecretVersion=1/2)",
            "the version .* is not a valid secret version",
            id="version",
        ),
        pytest.param(
            "VaultName=main;Secret=s)", "part 2 .* is not one of SecretUri, VaultName", id="unknown"
        ),
        pytest.param("https://main.vault.azure.net/secrets/s)", "part 1 .* is not one of", id="no-name"),
        pytest.param("VaultName=main;vaultname=main;SecretName=s)", "has VaultName twice", id="twice"),
        pytest.param(
            "SecretUri=https://main.vault.azure.net/secrets/s;VaultName=main)",
            "has both SecretUri and VaultName: use one",
            id="both",
        ),
        pytest.param(
            "SecretUri=http://main.vault.azure.net/secrets/s)", "not the https:// address", id="http"
        ),
        pytest.param("SecretUri=/secrets/s)", "not the https:// address", id="no-host"),
        pytest.param("SecretUri=https://main.vault.azure.net/keys/s)", "no path /secrets/NAME", id="a-key"),
        pytest.param(
            "SecretUri=https://main.vault.azure.net/secrets)", "no path /secrets/NAME", id="no-name-in-uri"
        ),
        pytest.param(
            "SecretUri=https://main.vault.azure.net/secrets/s/1/2)", "no path /secrets/NAME", id="long"
        ),
        pytest.param(
            "SecretUri=https://me:x@main.vault.azure.net/secrets/s)", "not the https:// address", id="user"
        ),
    ],
)
def test_malformed_reference_is_refused_with_the_rule(inside: str, message: str) -> None:
    with pytest.raises(ConnectionStringError, match=message):
        SecretReference.parse(f"@Microsoft.KeyVault({inside}")


# Secrets.


async def test_latest_version_is_read_where_none_is_named(cloud: Cloud) -> None:
    cloud.vault.put("signalr", "old")
    cloud.vault.put("signalr", VALUE)
    assert await read_secret(REFERENCE, IDENTITY, SETTING) == VALUE


async def test_version_that_is_named_is_read(cloud: Cloud) -> None:
    old = cloud.vault.put("signalr", "old")
    cloud.vault.put("signalr", VALUE)
    reference = SecretReference(REFERENCE.vault_url, "signalr", old.version)
    assert await read_secret(reference, IDENTITY, SETTING) == "old"


async def test_vault_is_asked_with_the_token_of_the_identity(cloud: Cloud) -> None:
    cloud.vault.put("signalr", VALUE)
    cloud.identity.known.add(CLIENT)
    await read_secret(REFERENCE, Identity(IdentityKind.MANAGED, CLIENT), SETTING)
    assert cloud.identity.requests == [
        f"GET /msi/token?api-version=2019-08-01&resource=https://vault.azure.net&client_id={CLIENT}"
    ]


async def test_client_and_token_are_shared(cloud: Cloud) -> None:
    cloud.vault.put("signalr", VALUE)
    await asyncio.gather(*(read_secret(REFERENCE, IDENTITY, SETTING) for _ in range(10)))
    await read_secret(REFERENCE, IDENTITY, SETTING)
    assert len(cloud.identity.requests) == 1


async def test_vault_of_another_cloud_is_asked_for_by_its_own_resource(cloud: Cloud) -> None:
    government = vault.SecretReference("https://main.vault.usgovcloudapi.net", "signalr")
    cloud.hosts["main.vault.usgovcloudapi.net"] = cloud.vault
    cloud.vault.resource = "https://vault.usgovcloudapi.net"
    cloud.vault.put("signalr", VALUE)
    assert await read_secret(government, IDENTITY, SETTING) == VALUE


async def test_token_is_not_sent_to_a_host_that_is_no_vault(cloud: Cloud) -> None:
    cloud.hosts["chat.service.signalr.net"] = cloud.vault
    reference = SecretReference("https://chat.service.signalr.net", "signalr")
    with pytest.raises(VaultError, match="is not a Key Vault; check the reference"):
        await read_secret(reference, IDENTITY, SETTING)
    assert cloud.vault.requests == []


# Faults.


def disable(cloud: Cloud) -> None:
    cloud.vault.secrets["signalr"][-1].is_enabled = False


def remove(cloud: Cloud) -> None:
    cloud.vault.secrets.clear()


def refuse_tokens(cloud: Cloud) -> None:
    cloud.vault.resource = "https://vault.azure.net"
    cloud.vault.fail(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


@pytest.mark.parametrize(
    ("break_it", "status", "message"),
    [
        pytest.param(
            lambda cloud: cloud.vault.fail(403, forbidden("ForbiddenByRbac")),
            403,
            r"the vault answered 403 \(ForbiddenByRbac\); grant the system-assigned managed identity the "
            "role Key Vault Secrets User on the vault",
            id="no-role",
        ),
        pytest.param(
            lambda cloud: cloud.vault.fail(403, forbidden("ForbiddenByPolicy")),
            403,
            r"\(ForbiddenByPolicy\); grant .*access policies, the Get permission",
            id="no-policy",
        ),
        pytest.param(
            lambda cloud: cloud.vault.fail(403, forbidden("ForbiddenByFirewall")),
            403,
            r"\(ForbiddenByFirewall\); allow the app's network in the vault's firewall",
            id="firewall",
        ),
        pytest.param(
            disable,
            403,
            r"\(SecretDisabled\); enable the secret, or reference an enabled version",
            id="disabled",
        ),
        pytest.param(
            remove, 404, r"404 \(SecretNotFound\); check the names, and create the secret", id="no-secret"
        ),
        pytest.param(
            refuse_tokens,
            401,
            "check that the vault and the identity belong to the same tenant",
            id="other-tenant",
        ),
        pytest.param(
            lambda cloud: cloud.vault.fail(429, headers={"Retry-After": "30"}),
            429,
            "the vault throttles requests",
            id="throttled",
        ),
        pytest.param(
            lambda cloud: cloud.vault.fail(500), 500, "the vault answered 500; try again later", id="failed"
        ),
        pytest.param(
            lambda cloud: cloud.down.add("main.vault.azure.net"),
            None,
            "the vault could not be reached; check its name, and the network",
            id="down",
        ),
        pytest.param(
            lambda cloud: cloud.hosts.pop("main.vault.azure.net"),
            None,
            "the vault could not be reached; check its name, and the network",
            id="no-such-vault",
        ),
        pytest.param(
            lambda cloud: cloud.vault.break_off(), None, "the vault could not be reached", id="breaks-off"
        ),
        pytest.param(
            lambda cloud: cloud.vault.fail(
                200, {"value": "", "id": "https://main.vault.azure.net/secrets/s/1"}
            ),
            None,
            "the secret is empty; give it a value",
            id="empty",
        ),
        pytest.param(
            lambda cloud: cloud.identity.fail(400, {"statusCode": 400, "message": "no identity"}),
            None,
            "no access token, the system-assigned managed identity could not get one: no identity; enable "
            "the app's managed identity; if it is user-assigned, set its client id in AZURE_CLIENT_ID",
            id="no-token",
        ),
    ],
)
async def test_error_names_secret_setting_identity_and_what_to_do(
    cloud: Cloud,
    pauses: list[float],
    break_it: Callable[[Cloud], Any],
    status: int | None,
    message: str,
) -> None:
    cloud.vault.put("signalr", VALUE)
    break_it(cloud)
    with pytest.raises(VaultError, match=message) as raised:
        await read_secret(REFERENCE, IDENTITY, SETTING)
    assert str(raised.value).startswith(
        "the secret signalr in the vault main.vault.azure.net, referenced by the app setting "
        "AzureSignalRConnectionString, could not be read as the system-assigned managed identity: "
    )
    assert raised.value.status == status


async def test_version_that_is_not_there_is_named(cloud: Cloud) -> None:
    cloud.vault.put("signalr", VALUE)
    reference = SecretReference(REFERENCE.vault_url, "signalr", "f" * 32)
    with pytest.raises(VaultError, match=r"signalr \(version f{32}\) .* create that version of the secret"):
        await read_secret(reference, IDENTITY, SETTING)


async def test_vault_that_does_not_answer_is_given_up(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "_PATIENCE", 0.05)
    cloud.vault.put("signalr", VALUE)
    released = cloud.vault.hang()
    with pytest.raises(VaultError, match="no response within 0 seconds; check the network") as raised:
        await read_secret(REFERENCE, IDENTITY, SETTING)
    released.set()
    assert raised.value.status is None


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_failure_that_passes_is_waited_out(cloud: Cloud, pauses: list[float], status: int) -> None:
    cloud.vault.put("signalr", VALUE)
    cloud.vault.fail(status, times=2)
    assert await read_secret(REFERENCE, IDENTITY, SETTING) == VALUE
    assert len(cloud.vault.requests) == 3


async def test_short_pause_that_the_vault_asks_for_is_made(cloud: Cloud, pauses: list[float]) -> None:
    cloud.vault.put("signalr", VALUE)
    cloud.vault.fail(429, times=1, headers={"Retry-After": "3"})
    assert await read_secret(REFERENCE, IDENTITY, SETTING) == VALUE
    assert pauses == [3.0]


async def test_long_pause_is_not_waited_for_but_told(cloud: Cloud, pauses: list[float]) -> None:
    cloud.vault.put("signalr", VALUE)
    cloud.vault.fail(429, headers={"Retry-After": "30"})
    with pytest.raises(VaultError) as raised:
        await read_secret(REFERENCE, IDENTITY, SETTING)
    assert (raised.value.retry_after, pauses, len(cloud.vault.requests)) == (30.0, [], 1)


async def test_refusal_is_not_repeated(cloud: Cloud, pauses: list[float]) -> None:
    cloud.vault.put("signalr", VALUE)
    cloud.vault.fail(403, forbidden("ForbiddenByRbac"))
    with pytest.raises(VaultError):
        await read_secret(REFERENCE, IDENTITY, SETTING)
    assert (len(cloud.vault.requests), pauses) == (1, [])


async def test_token_that_the_vault_refuses_is_replaced_once(cloud: Cloud) -> None:
    cloud.vault.put("signalr", VALUE)
    await read_secret(REFERENCE, IDENTITY, SETTING)
    cloud.tokens.revoke()
    assert await read_secret(REFERENCE, IDENTITY, SETTING) == VALUE
    assert len(cloud.identity.requests) == 2


async def test_secret_is_in_no_log(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cloud.vault.put("signalr", VALUE)
    await read_secret(REFERENCE, IDENTITY, SETTING)
    assert "main.vault.azure.net" in caplog.text
    assert VALUE not in caplog.text
    assert "token-1" not in caplog.text
    assert cloud.identity.secret not in caplog.text
