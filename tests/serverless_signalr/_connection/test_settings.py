"""Where the app's connection is found, and what a reader is told where it is not."""

import logging

import pytest

from serverless_signalr._connection.settings import hidden_by_empty, read_instances
from serverless_signalr._connection.vault import SecretReference
from serverless_signalr._identity import Identity, IdentityKind
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError
from serverless_signalr.protocol.names import DEFAULT_CONNECTION
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, TENANT

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"


def connection_string(host: str) -> str:
    return f"Endpoint=https://{host}.service.signalr.net;AccessKey={KEY};Version=1.0;"


def found(environment: dict[str, str], name: str = DEFAULT_CONNECTION) -> str:
    return read_instances(name, environment)[0].endpoint().url.removeprefix("https://").partition(".")[0]


def test_connection_is_the_default_setting() -> None:
    assert found({"AzureSignalRConnectionString": connection_string("chat")}) == "chat"


def test_connection_is_the_setting_that_is_named() -> None:
    settings = {"AzureSignalRConnectionString": connection_string("chat"), "Mine": connection_string("mine")}
    assert found(settings, "Mine") == "mine"


def test_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureSignalRConnectionString", connection_string("mine"))
    assert read_instances()[0].endpoint().url == "https://mine.service.signalr.net"


@pytest.mark.parametrize(
    "setting",
    [
        "ConnectionStrings:Mine",
        "ConnectionStrings__Mine",
        "CONNECTIONSTRINGS__MINE",
        "CUSTOMCONNSTR_Mine",
        "MINE",
    ],
)
def test_setting_is_found_under_every_name_that_the_host_knows(setting: str) -> None:
    assert found({setting: connection_string("mine")}, "Mine") == "mine"


@pytest.mark.parametrize("setting", ["Azure__SignalR__Mine", "Azure:SignalR:Mine"])
@pytest.mark.parametrize("name", ["Azure__SignalR__Mine", "azure:signalr:mine"])
def test_colon_and_two_underscores_are_the_same(setting: str, name: str) -> None:
    assert found({setting: connection_string("mine")}, name) == "mine"


def test_connection_strings_come_first() -> None:
    settings = {"Mine": connection_string("second"), "ConnectionStrings__Mine": connection_string("first")}
    assert found(settings, "Mine") == "first"


def test_empty_setting_is_none() -> None:
    settings = {"Mine": connection_string("second"), "ConnectionStrings__Mine": ""}
    assert found(settings, "Mine") == "second"


@pytest.mark.parametrize("settings", [{}, {"Mine": ""}, {"Other": "x"}], ids=["none", "empty", "other"])
def test_missing_setting_is_named_with_what_it_should_hold(settings: dict[str, str]) -> None:
    with pytest.raises(
        ConnectionStringError, match=r"the app setting Mine is not set, expected .*Endpoint=…;AccessKey=…"
    ):
        read_instances("Mine", settings)[0].endpoint()


def test_wrong_setting_is_named_without_its_value() -> None:
    with pytest.raises(
        ConnectionStringError, match="the app setting Mine is invalid: the connection string has no"
    ) as raised:
        read_instances("Mine", {"Mine": f"AccessKey={KEY}"})[0].endpoint()
    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None


REFERENCE = "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"
URI = "https://chat.service.signalr.net"


def names(settings: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return name, type and host of each instance."""
    return [
        (source.name, source.type, source.endpoint().url.removeprefix("https://").partition(".")[0])
        for source in read_instances("Mine", settings)
    ]


# By an identity.


@pytest.mark.parametrize(
    ("members", "identity"),
    [
        ({}, Identity()),
        ({"credential": "managedidentity"}, Identity(IdentityKind.MANAGED)),
        ({"credential": "managedidentity", "clientId": CLIENT}, Identity(IdentityKind.MANAGED, CLIENT)),
        (
            {"tenantId": TENANT, "clientId": CLIENT, "clientSecret": "s"},
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, "s"),
        ),
    ],
    ids=["default", "system-assigned", "user-assigned", "application"],
)
def test_service_uri_is_opened_by_the_identity_beside_it(members: dict[str, str], identity: Identity) -> None:
    settings = {"Mine__serviceUri": URI, **{f"Mine__{name}": value for name, value in members.items()}}
    assert read_instances("Mine", settings)[0].endpoint() == Endpoint(URI, URI, URI, identity=identity)


def test_service_uri_may_have_a_trailing_slash_and_any_case() -> None:
    assert read_instances("Mine", {"MINE:SERVICEURI": f" {URI}/ "})[0].endpoint().url == URI


def test_endpoints_for_clients_and_servers_replace_the_service_uri() -> None:
    endpoint = read_instances(
        "Mine",
        {
            "Mine__serviceUri": URI,
            "Mine__clientEndpoint": "https://c.example",
            "Mine__serverEndpoint": "https://s.example:444/",
        },
    )[0].endpoint()
    urls = (endpoint.url, endpoint.client_url, endpoint.server_url)
    assert urls == (URI, "https://c.example", "https://s.example:444")


def test_connection_string_comes_before_an_identity_as_in_the_host(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"Mine": connection_string("first"), "Mine__serviceUri": URI}
    assert read_instances("Mine", settings)[0].endpoint().access_key == KEY
    assert "both Mine and Mine__serviceUri are set; Mine is used" in caplog.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"Mine__serviceUri": "chat.service.signalr.net"},
            "the app setting Mine__serviceUri must start with http:// or https://",
            id="no-scheme",
        ),
        pytest.param(
            {"Mine__serviceUri": f"{URI}/client"},
            "the app setting Mine__serviceUri must be a scheme and a host only",
            id="path",
        ),
        pytest.param(
            {"Mine__serviceUri": "http://chat.service.signalr.net"},
            "the app setting Mine__serviceUri \\(or __serverEndpoint\\) must start with https://",
            id="clear-text",
        ),
        pytest.param(
            {"Mine__serviceUri": URI, "Mine__clientEndpoint": "proxy"},
            "the app setting Mine__clientEndpoint must start with",
            id="client-endpoint",
        ),
        pytest.param(
            {"Mine__serviceUri": URI, "Mine__credential": "msi"},
            "the app setting Mine__credential is invalid, expected managedidentity",
            id="credential",
        ),
        pytest.param(
            {"Mine__serviceUri": URI, "Mine__clientSecret": KEY, "Mine__clientId": CLIENT},
            "the app setting Mine__clientSecret is set without Mine__tenantId",
            id="application",
        ),
        pytest.param(
            {"Mine__serviceUri": URI, "Mine__type": "tertiary"},
            "the app setting Mine__type is invalid, expected Primary or Secondary",
            id="type",
        ),
    ],
)
def test_wrong_setting_of_an_identity_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConnectionStringError, match=message) as raised:
        read_instances("Mine", settings)[0].endpoint()
    assert KEY not in str(raised.value)


# Several endpoints.


def test_endpoints_join_the_connection() -> None:
    settings = {
        "Mine": connection_string("own"),
        "Azure__SignalR__Endpoints__West": connection_string("west"),
        "Azure__SignalR__Endpoints__East__Primary": connection_string("east"),
        "Azure__SignalR__Endpoints__East__Secondary": connection_string("backup"),
        "Azure__SignalR__Endpoints__Id__serviceUri": "https://id.service.signalr.net",
        "Azure__SignalR__Endpoints__Id__type": "secondary",
    }
    assert names(settings) == [
        ("", "Primary", "own"),
        ("East", "Primary", "east"),
        ("East", "Secondary", "backup"),
        ("Id", "Secondary", "id"),
        ("West", "Primary", "west"),
    ]


def test_endpoints_alone_make_a_connection() -> None:
    assert names({"Azure:SignalR:Endpoints:east": connection_string("east")}) == [("east", "Primary", "east")]


def test_identity_may_be_a_secondary_endpoint() -> None:
    settings = {
        "Mine__serviceUri": "https://own.service.signalr.net",
        "Mine__type": "Secondary",
        "Azure__SignalR__Endpoints__east": connection_string("east"),
    }
    assert names(settings) == [("", "Secondary", "own"), ("east", "Primary", "east")]


def test_type_is_not_for_connection_strings(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"Mine": connection_string("own"), "Mine__type": "Secondary"}
    assert names(settings) == names(settings) == [("", "Primary", "own")]
    assert caplog.messages == ["Mine__type is ignored, since it applies to identities only: Mine is primary"]


def test_endpoint_by_identity_comes_before_its_connection_string(caplog: pytest.LogCaptureFixture) -> None:
    settings = {
        "Azure__SignalR__Endpoints__east": connection_string("string"),
        "Azure__SignalR__Endpoints__east__serviceUri": "https://identity.service.signalr.net",
    }
    assert names(settings) == [("east", "Primary", "identity")]
    assert "both Azure__SignalR__Endpoints__east and " in caplog.text


def test_connection_without_a_primary_endpoint_is_refused() -> None:
    settings = {"Azure__SignalR__Endpoints__east__secondary": connection_string("east")}
    with pytest.raises(
        ConnectionStringError,
        match=r"expected at least one primary endpoint; seen: Azure__SignalR__Endpoints__east__secondary$",
    ):
        read_instances("Mine", settings)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (
            {"Mine__managedIdentityResourceId": "/subscriptions/s"},
            "Mine__managedIdentityResourceId is ignored without Mine__credential=managedidentity",
        ),
        (
            {"Mine__tenantId": TENANT},
            "Mine__tenantId is ignored without Mine__clientSecret or Mine__credential",
        ),
    ],
    ids=["resource-id", "tenant"],
)
def test_member_that_does_not_count_is_told(
    caplog: pytest.LogCaptureFixture, members: dict[str, str], told: str
) -> None:
    read_instances("Mine", {"Mine__serviceUri": URI, **members})
    assert caplog.messages == [told]


@pytest.mark.parametrize(
    ("settings", "hidden"),
    [
        ({"Mine": "", "Mine__serviceUri": URI}, ["Mine"]),
        ({"ConnectionStrings:Mine": "", "Mine": "x"}, ["ConnectionStrings:Mine"]),
        (
            {"ConnectionStrings__Mine": "", "mine": "", "Mine:ServiceUri": URI},
            ["ConnectionStrings__Mine", "mine"],
        ),
        ({"Mine": ""}, []),
        ({"Mine": "x", "ConnectionStrings:Mine": "y"}, []),
        ({"Mine__serviceUri": URI}, []),
    ],
)
def test_empty_setting_hides_what_is_behind_it_from_the_host(
    settings: dict[str, str], hidden: list[str]
) -> None:
    assert hidden_by_empty("Mine", settings) == hidden


def test_empty_setting_that_hides_another_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        read_instances("Mine", {"Mine": "", "Mine__serviceUri": URI})
    assert caplog.messages == [
        "the app setting Mine is empty and hides the settings that it takes precedence over from the host's "
        "bindings: remove it"
    ]


def test_first_endpoint_is_the_one_that_is_known_at_once() -> None:
    settings = {"Azure__SignalR__Endpoints__b": connection_string("b"), "Mine": connection_string("own")}
    assert read_instances("Mine", settings)[0].endpoint().url == "https://own.service.signalr.net"


def test_endpoint_with_neither_form_is_named_with_what_was_seen() -> None:
    settings = {"Mine": connection_string("own"), "Azure__SignalR__Endpoints__east__serviceUrl": URI}
    with pytest.raises(
        ConnectionStringError,
        match=r"the endpoint east has neither a connection string .*seen: Azure__SignalR__Endpoints__east__",
    ):
        read_instances("Mine", settings)


def test_wrong_endpoint_is_named() -> None:
    [source] = read_instances("Mine", {"Azure__SignalR__Endpoints__east__primary": f"AccessKey={KEY}"})
    with pytest.raises(
        ConnectionStringError, match="the app setting Azure__SignalR__Endpoints__east__primary is invalid: "
    ) as raised:
        source.endpoint()
    assert KEY not in str(raised.value)


# References to Key Vault.


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"Mine": REFERENCE}, ["Mine"]),
        ({"ConnectionStrings__Mine": REFERENCE}, ["Mine"]),
        ({"Mine__serviceUri": REFERENCE}, ["Mine__serviceUri"]),
        (
            {
                "Mine__serviceUri": URI,
                "Mine__clientId": CLIENT,
                "Mine__tenantId": TENANT,
                "Mine__clientSecret": REFERENCE,
            },
            ["Mine__clientSecret"],
        ),
        ({"Azure__SignalR__Endpoints__a__primary": REFERENCE}, ["Azure__SignalR__Endpoints__a__primary"]),
        ({"Mine": connection_string("own")}, []),
        ({"Mine": connection_string("own"), "Mine__clientId": REFERENCE}, []),
    ],
    ids=["connection-string", "host-first", "uri", "client-secret", "endpoint", "none", "unused"],
)
def test_references_are_found_in_every_setting_that_counts(
    settings: dict[str, str], found: list[str]
) -> None:
    [source] = read_instances("Mine", settings)
    reference = SecretReference("https://main.vault.azure.net", "signalr")
    assert source.references() == dict.fromkeys(found, reference)


def test_secrets_take_the_place_of_references() -> None:
    [source] = read_instances("Mine", {"Mine__serviceUri": REFERENCE, "Mine__clientId": CLIENT})
    endpoint = source.endpoint({"Mine__serviceUri": URI})
    assert (endpoint.url, endpoint.identity) == (URI, Identity(client_id=CLIENT))


@pytest.mark.parametrize(
    ("members", "identity"),
    [
        ({}, Identity()),
        ({"credential": "managedidentity", "clientId": CLIENT}, Identity(IdentityKind.MANAGED, CLIENT)),
        ({"clientId": CLIENT, "tenantId": TENANT, "clientSecret": REFERENCE}, Identity()),
    ],
    ids=["default", "beside", "not-with-the-secret-itself"],
)
def test_references_are_read_as_the_identity_beside_them(members: dict[str, str], identity: Identity) -> None:
    settings = {"Mine": REFERENCE, **{f"Mine__{name}": value for name, value in members.items()}}
    [source] = read_instances("Mine", settings)
    assert source.vault_identity() == identity


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"Mine": REFERENCE},
            "the app setting Mine is invalid: it holds an unresolved Key Vault reference",
        ),
        (
            {"Mine__serviceUri": URI, "Mine__clientSecret": REFERENCE},
            "the app setting Mine__clientSecret holds an unresolved Key Vault reference",
        ),
    ],
    ids=["connection-string", "identity"],
)
def test_reference_cannot_be_read_without_waiting(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConnectionStringError, match=message):
        read_instances("Mine", settings)[0].endpoint()


def test_malformed_reference_is_named_by_its_setting() -> None:
    [source] = read_instances("Mine", {"Mine": "@Microsoft.KeyVault(VaultName=main)"})
    with pytest.raises(
        ConnectionStringError, match=r"the app setting Mine is invalid: SecretName .* is missing"
    ):
        source.references()


def test_secret_with_a_malformed_value_is_named_without_it() -> None:
    [source] = read_instances("Mine", {"Mine": REFERENCE})
    with pytest.raises(ConnectionStringError) as raised:
        source.endpoint({"Mine": f"AccessKey={KEY}"})
    assert str(raised.value) == (
        "the secret signalr in the vault main.vault.azure.net, referenced by the app setting Mine, "
        "is invalid: the connection string has no Endpoint; seen: AccessKey"
    )


# What is missing.


def test_missing_connection_is_told_with_the_settings_that_look_like_it() -> None:
    settings = {
        "PATH": "x",
        "AzureSignalRConnectionString": connection_string("a"),
        "Mine__clientId": KEY,
        "SIGNALR": KEY,
    }
    with pytest.raises(ConnectionStringError) as raised:
        read_instances("Mine", settings)
    assert str(raised.value).endswith("; seen: AzureSignalRConnectionString, Mine__clientId, SIGNALR")
    assert KEY not in str(raised.value)


def test_missing_connection_is_told_even_where_nothing_looks_like_it() -> None:
    with pytest.raises(ConnectionStringError, match=r"; seen: no setting with SignalR in its name$"):
        read_instances("Mine", {"PATH": "x"})


def test_repr_and_log_have_no_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sources = read_instances("Mine", {"Mine": connection_string("a"), "Mine__serviceUri": KEY})
    assert repr(sources) == "(InstanceSettings(Mine),)"
    assert KEY not in caplog.text
