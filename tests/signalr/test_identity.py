"""Identities of Entra ID: what the settings make of them, and their tokens from the real credentials."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from signalr import identity
from signalr.errors import ConnectionStringError
from signalr.identity import Credential, Identity, IdentityKind
from tests.signalr.azure_fakes.certificates import Certificates
from tests.signalr.azure_fakes.cloud import CLIENT, TENANT, Cloud

SCOPE = "https://signalr.azure.com/.default"
SECRET = "s3cret~of.the-application_that-nobody-may-see"
APPLICATION = Identity(IdentityKind.APPLICATION, CLIENT, TENANT, SECRET)


# From settings.


@pytest.mark.parametrize(
    ("members", "found"),
    [
        pytest.param({}, Identity(), id="default"),
        pytest.param({"clientid": CLIENT}, Identity(client_id=CLIENT), id="default-with-client-id"),
        pytest.param({"credential": "managedidentity"}, Identity(IdentityKind.MANAGED), id="system-assigned"),
        pytest.param(
            {"credential": "ManagedIdentity", "clientid": CLIENT},
            Identity(IdentityKind.MANAGED, CLIENT),
            id="user-assigned",
        ),
        pytest.param(
            {"credential": "managedidentity", "managedidentityresourceid": "/subscriptions/1/x"},
            Identity(IdentityKind.MANAGED, resource_id="/subscriptions/1/x"),
            id="by-resource-id",
        ),
        pytest.param(
            {"credential": "workloadidentity", "clientid": CLIENT, "tenantid": TENANT},
            Identity(IdentityKind.WORKLOAD, CLIENT, TENANT),
            id="workload",
        ),
        pytest.param(
            {"clientid": CLIENT, "tenantid": TENANT, "clientsecret": "s"},
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, "s"),
            id="application",
        ),
    ],
)
def test_settings_say_which_identity_it_is(members: Mapping[str, str], found: Identity) -> None:
    assert Identity.from_settings("Mine", members) == found


@pytest.mark.parametrize(
    ("members", "message"),
    [
        pytest.param(
            {"credential": "managed"},
            "the app setting Mine__credential is wrong, expected managedidentity or workloadidentity",
            id="unknown",
        ),
        pytest.param(
            {"clientsecret": SECRET, "tenantid": TENANT},
            "Mine__clientSecret is set, but not Mine__clientId: an application",
            id="no-client-id",
        ),
        pytest.param(
            {"clientsecret": SECRET}, "but not Mine__clientId and Mine__tenantId", id="secret-alone"
        ),
        pytest.param(
            {
                "credential": "managedidentity",
                "clientid": CLIENT,
                "managedidentityresourceid": "/subscriptions/1",
            },
            "Mine__clientId and Mine__managedIdentityResourceId both are set",
            id="two-names",
        ),
        pytest.param(
            {"clientid": SECRET}, "the app setting Mine__clientId is wrong, expected a GUID", id="client"
        ),
        pytest.param(
            {"tenantid": SECRET}, "the app setting Mine__tenantId is wrong, expected a GUID", id="tenant"
        ),
        pytest.param(
            {"managedidentityresourceid": SECRET},
            "the app setting Mine__managedIdentityResourceId is wrong, expected /subscriptions/",
            id="resource-id",
        ),
    ],
)
def test_settings_that_make_no_identity_are_named(members: Mapping[str, str], message: str) -> None:
    with pytest.raises(ConnectionStringError, match=message) as raised:
        Identity.from_settings("Mine", members)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Identity(), "the identity that DefaultAzureCredential finds"),
        (Identity(client_id=CLIENT), f"the identity {CLIENT} that DefaultAzureCredential finds"),
        (Identity(IdentityKind.MANAGED), "the system-assigned managed identity"),
        (Identity(IdentityKind.MANAGED, CLIENT), f"the managed identity {CLIENT}"),
        (Identity(IdentityKind.MANAGED, resource_id="/r"), "the managed identity /r"),
        (Identity(IdentityKind.WORKLOAD, CLIENT), f"the workload identity {CLIENT}"),
        (
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, SECRET),
            f"the application {CLIENT} of the tenant {TENANT}",
        ),
    ],
)
def test_text_is_what_a_role_is_granted_to(
    found: Identity, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_CLIENT_ID", raising=False)
    assert str(found) == text


def test_text_names_the_identity_that_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    assert str(Identity()) == f"the identity {CLIENT} that DefaultAzureCredential finds"


def test_repr_hides_the_secret() -> None:
    assert SECRET not in repr(APPLICATION)


# Tokens.


def on_a_virtual_machine(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.delenv("IDENTITY_HEADER")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", cloud.identity_url)


@pytest.mark.parametrize(
    ("found", "request_line"),
    [
        (Identity(IdentityKind.MANAGED), ""),
        (Identity(IdentityKind.MANAGED, CLIENT), f"&client_id={CLIENT}"),
        (Identity(IdentityKind.MANAGED, resource_id="r"), "&mi_res_id=r"),
        (Identity(), ""),
        (Identity(client_id=CLIENT), f"&client_id={CLIENT}"),
    ],
    ids=["system-assigned", "user-assigned", "resource-id", "default", "default-with-client-id"],
)
async def test_app_service_gives_the_token(cloud: Cloud, found: Identity, request_line: str) -> None:
    cloud.identity.known.add(CLIENT)
    await found.credential().get_token_info(SCOPE)
    assert cloud.identity.requests == [
        f"GET /msi/token?api-version=2019-08-01&resource=https://signalr.azure.com{request_line}"
    ]


async def test_client_id_of_the_environment_is_used(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    cloud.identity.known.add(CLIENT)
    await Identity().credential().get_token_info(SCOPE)
    assert cloud.identity.requests[0].endswith(f"&client_id={CLIENT}")


async def test_virtual_machine_gives_the_token(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_virtual_machine(cloud, monkeypatch)
    await Identity(IdentityKind.MANAGED).credential().get_token_info(SCOPE)
    assert cloud.identity.requests == [
        "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://signalr.azure.com"
    ]


async def test_application_gets_its_token_from_entra_id(cloud: Cloud) -> None:
    cloud.entra.client_secret = SECRET
    await APPLICATION.credential().get_token_info(SCOPE)
    assert cloud.entra.requests == [f"POST /{TENANT}/oauth2/v2.0/token"]
    assert cloud.entra.forms[0]["scope"] == SCOPE
    assert (cloud.entra.forms[0]["client_id"], cloud.entra.forms[0]["client_secret"]) == (CLIENT, SECRET)


async def test_application_may_have_a_certificate(cloud: Cloud, certificates: Certificates) -> None:
    found = Identity(IdentityKind.APPLICATION, CLIENT, TENANT, certificate=str(certificates.application))
    await found.credential().get_token_info(SCOPE)
    assert cloud.entra.forms[0]["client_assertion"].startswith("eyJ")


async def test_tokens_are_asked_for_once(cloud: Cloud) -> None:
    found = Identity(IdentityKind.MANAGED)
    tokens = [await found.credential().get_token_info(SCOPE) for _ in range(5)]
    assert len({token.token for token in tokens}) == 1
    assert len(cloud.identity.requests) == 1


async def test_holder_who_asks_again_gets_a_fresh_token(cloud: Cloud) -> None:
    credential = Identity(IdentityKind.MANAGED).credential()
    first, second = [await credential.get_token_info(SCOPE) for _ in range(2)]
    assert first.token != second.token
    assert len(cloud.identity.requests) == 2


async def test_fresh_token_is_that_of_every_holder(cloud: Cloud) -> None:
    found = Identity(IdentityKind.MANAGED)
    refused, other = found.credential(), found.credential()
    await refused.get_token_info(SCOPE)
    fresh = await refused.get_token_info(SCOPE)
    assert (await other.get_token_info(SCOPE)).token == fresh.token


async def test_holder_keeps_a_good_token_while_there_is_no_fresh_one(
    cloud: Cloud, pauses: list[float]
) -> None:
    credential = Identity(IdentityKind.MANAGED).credential()
    token = await credential.get_token_info(SCOPE)
    cloud.identity.fail(500)
    assert (await credential.get_token_info(SCOPE)).token == token.token


async def test_tokens_for_different_resources_are_no_repetition(cloud: Cloud) -> None:
    credential = Identity(IdentityKind.MANAGED).credential()
    for _ in range(2):
        await Identity(IdentityKind.MANAGED).credential().get_token_info(SCOPE)
    await credential.get_token_info(SCOPE)
    await credential.get_token_info("https://vault.azure.net/.default")
    assert len(cloud.identity.requests) == 2


async def test_credential_has_the_older_interface_too(cloud: Cloud) -> None:
    async with Identity(IdentityKind.MANAGED).credential() as credential:
        token = await credential.get_token(SCOPE, tenant_id=TENANT, enable_cae=True)
    await credential.close()
    assert token.token == (await Identity(IdentityKind.MANAGED).credential().get_token_info(SCOPE)).token


# Faults.


@pytest.mark.parametrize(
    ("found", "message"),
    [
        pytest.param(
            Identity(IdentityKind.MANAGED, TENANT),
            f"the managed identity {TENANT} got none: No User Assigned or Delegated Managed Identity found",
            id="not-assigned",
        ),
        pytest.param(
            APPLICATION,
            rf"the application {CLIENT} of the tenant {TENANT} got none: .*AADSTS7000215: Invalid client",
            id="wrong-secret",
        ),
        pytest.param(
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, certificate="/nowhere.pem"),
            rf"the application {CLIENT} of the tenant {TENANT} got none: .*/nowhere\.pem",
            id="no-certificate",
        ),
    ],
)
async def test_error_names_the_identity_and_why(cloud: Cloud, found: Identity, message: str) -> None:
    with pytest.raises(ClientAuthenticationError, match=message) as raised:
        await found.credential().get_token_info(SCOPE)
    assert SECRET not in str(raised.value)
    assert raised.value.status_code is None


async def test_identity_that_is_nowhere_is_told_in_one_line(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    with pytest.raises(
        ClientAuthenticationError, match=r"^the identity that DefaultAzureCredential finds got none: "
    ) as raised:
        await Identity().credential().get_token_info(SCOPE)
    assert "\n" not in str(raised.value)


async def test_endpoint_that_does_not_answer_is_given_up(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_PATIENCE", 0.05)
    released = cloud.identity.hang()
    with pytest.raises(ClientAuthenticationError, match="got none within 0 seconds"):
        await Identity(IdentityKind.MANAGED).credential().get_token_info(SCOPE)
    released.set()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_failure_that_passes_is_waited_out(cloud: Cloud, pauses: list[float], status: int) -> None:
    cloud.identity.fail(status, times=2)
    await Identity(IdentityKind.MANAGED).credential().get_token_info(SCOPE)
    assert len(cloud.identity.requests) == 3


async def test_secrets_and_tokens_are_in_no_log(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cloud.entra.client_secret = SECRET
    tokens: list[Any] = [
        await found.credential().get_token_info(SCOPE)
        for found in (APPLICATION, Identity(IdentityKind.MANAGED), Identity())
    ]
    assert "login.microsoftonline.com" in caplog.text
    for hidden in (SECRET, cloud.identity.secret, *(token.token for token in tokens)):
        assert hidden not in caplog.text


async def test_nothing_is_left_open(cloud: Cloud) -> None:
    """Leave no session behind that would have to be closed: warnings are errors here."""
    cloud.entra.client_secret = SECRET
    credentials: list[Credential] = [APPLICATION.credential(), Identity(IdentityKind.MANAGED).credential()]
    await asyncio.gather(*(credential.get_token_info(SCOPE) for credential in credentials))
