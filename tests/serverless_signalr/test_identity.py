"""Identities of Entra ID: what the settings make of them."""

from collections.abc import Mapping

import pytest

from serverless_signalr._identity import Identity, IdentityKind
from serverless_signalr.errors import ConnectionStringError
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, TENANT

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
            "the app setting Mine__credential is invalid, expected managedidentity or workloadidentity",
            id="unknown",
        ),
        pytest.param(
            {"clientsecret": SECRET, "tenantid": TENANT},
            "Mine__clientSecret is set without Mine__clientId: an Entra ID application",
            id="no-client-id",
        ),
        pytest.param(
            {"clientsecret": SECRET}, "without Mine__clientId and Mine__tenantId", id="secret-alone"
        ),
        pytest.param(
            {
                "credential": "managedidentity",
                "clientid": CLIENT,
                "managedidentityresourceid": "/subscriptions/1",
            },
            "Mine__clientId and Mine__managedIdentityResourceId are both set",
            id="two-names",
        ),
        pytest.param(
            {"clientid": SECRET},
            "the app setting Mine__clientId is invalid, expected the client id",
            id="client",
        ),
        pytest.param(
            {"tenantid": SECRET}, "the app setting Mine__tenantId is invalid, expected a GUID", id="tenant"
        ),
        pytest.param(
            {"managedidentityresourceid": SECRET},
            "the app setting Mine__managedIdentityResourceId is invalid, expected /subscriptions/",
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
