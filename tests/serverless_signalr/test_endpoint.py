"""Connection strings, as documented, as people write them, and as they get them wrong."""

import pytest

from serverless_signalr._identity import Identity, IdentityKind
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, TENANT

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
AZURE = "Endpoint=https://chat.service.signalr.net"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param(f"{AZURE};AccessKey=k;Version=1.0;", "https://chat.service.signalr.net", id="azure"),
        pytest.param(f"{AZURE};AccessKey=k", "https://chat.service.signalr.net", id="no-version"),
        pytest.param(f"{AZURE}/;AccessKey=k", "https://chat.service.signalr.net", id="trailing-slash"),
        pytest.param(
            f"{AZURE};AccessKey=k;Version=1.0-preview", "https://chat.service.signalr.net", id="1.x"
        ),
        pytest.param(
            "Endpoint=http://localhost;Port=8888;AccessKey=k;Version=1.0;", "http://localhost:8888", id="port"
        ),
        pytest.param(
            "Endpoint=http://localhost:1;Port=8888;AccessKey=k", "http://localhost:8888", id="port-replaces"
        ),
        pytest.param(f"{AZURE};Port=443;AccessKey=k", "https://chat.service.signalr.net", id="default-https"),
        pytest.param("Endpoint=http://localhost:80;AccessKey=k", "http://localhost", id="default-http"),
        pytest.param("Endpoint=http://[::1]:8888;AccessKey=k", "http://[::1]:8888", id="ipv6"),
        pytest.param(f"AccessKey=k;{AZURE}", "https://chat.service.signalr.net", id="any-order"),
        pytest.param("ENDPOINT=http://localhost;accesskey=k", "http://localhost", id="any-case"),
        pytest.param(" Endpoint = http://localhost ;\n AccessKey = k ;", "http://localhost", id="blanks"),
        pytest.param(f"{AZURE};;AccessKey=k;;", "https://chat.service.signalr.net", id="empty-parts"),
    ],
)
def test_url_is_scheme_host_and_a_port_that_is_not_the_default(text: str, url: str) -> None:
    assert Endpoint.parse(text).url == url


def test_access_key_is_taken_as_printed_with_its_equals_signs() -> None:
    assert Endpoint.parse(f"{AZURE};AccessKey=abc+/==;Version=1.0;").access_key == "abc+/=="


@pytest.mark.parametrize("kind", ["azure", "azure.msi"])
def test_identity_has_no_access_key(kind: str) -> None:
    assert Endpoint.parse(f"{AZURE};AuthType={kind};Version=1.0;").access_key is None


def test_client_and_server_endpoints_are_the_endpoint_where_none_is_given() -> None:
    endpoint = Endpoint.parse("Endpoint=http://localhost;Port=8888;AccessKey=k")
    assert (endpoint.client_url, endpoint.server_url) == ("http://localhost:8888", "http://localhost:8888")


def test_client_and_server_endpoints_may_be_a_reverse_proxy() -> None:
    endpoint = Endpoint.parse(
        f"{AZURE};AccessKey=k;ClientEndpoint=https://c.example/;ServerEndpoint=https://s.example:444"
    )
    assert endpoint.client_url == "https://c.example"
    assert endpoint.server_url == "https://s.example:444"


def test_clients_go_to_the_client_endpoint() -> None:
    endpoint = Endpoint.parse(f"{AZURE};AccessKey=k;ClientEndpoint=https://proxy.example")
    assert endpoint.client_hub_url("Chat") == "https://proxy.example/client/?hub=chat"


def test_audience_of_clients_is_the_endpoint_even_behind_a_client_endpoint() -> None:
    endpoint = Endpoint.parse(f"{AZURE};AccessKey=k;ClientEndpoint=https://proxy.example")
    assert endpoint.client_audience("Chat") == "https://chat.service.signalr.net/client/?hub=chat"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "the connection string has no Endpoint; it has no properties", id="empty"),
        pytest.param(
            "AccessKey=k", "the connection string has no Endpoint; seen: AccessKey", id="no-endpoint"
        ),
        pytest.param(
            f"{AZURE};Version=1.0",
            "the connection string has neither AccessKey nor AuthType; seen: Endpoint, Version",
            id="no-key",
        ),
        pytest.param(
            f"{AZURE};k",
            "part 2 of the connection string is not a known Name=Value pair; seen: Endpoint",
            id="no-pair",
        ),
        pytest.param(
            f"{AZURE};Key=k",
            "part 2 of the connection string is not a known Name=Value pair; seen: Endpoint",
            id="unknown-name",
        ),
        pytest.param(
            f"{AZURE};AccessKey=k;accesskey=k",
            "the connection string has AccessKey twice, in parts 2 and 3",
            id="twice",
        ),
        pytest.param(f"{AZURE};AccessKey= ", "AccessKey in the connection string is empty", id="empty-value"),
        pytest.param(
            "Endpoint=chat.service.signalr.net;AccessKey=k",
            "Endpoint in the connection string must start with http:// or https://",
            id="no-scheme",
        ),
        pytest.param(
            "Endpoint=ftp://chat;AccessKey=k",
            "Endpoint in the connection string must start with http:// or https://",
            id="other-scheme",
        ),
        pytest.param(
            "Endpoint=https://;AccessKey=k",
            "Endpoint in the connection string must start with http:// or https://",
            id="no-host",
        ),
        pytest.param(
            f"{AZURE}/client;AccessKey=k",
            "Endpoint in the connection string must be a scheme and a host only",
            id="path",
        ),
        pytest.param(
            f"{AZURE}?hub=chat;AccessKey=k",
            "Endpoint in the connection string must be a scheme and a host only",
            id="query",
        ),
        pytest.param(
            "Endpoint=https://[::1;AccessKey=k",
            "Endpoint in the connection string is not a valid URL",
            id="bracket",
        ),
        pytest.param(
            "Endpoint=https://chat:99999;AccessKey=k",
            "Endpoint in the connection string is not a valid URL",
            id="port-in-url",
        ),
        pytest.param(
            f"{AZURE};AccessKey=k;ClientEndpoint=proxy",
            "ClientEndpoint in the connection string must start with http:// or https://",
            id="client-endpoint",
        ),
    ],
)
def test_error_names_the_property_and_the_rule(text: str, message: str) -> None:
    with pytest.raises(ConnectionStringError) as raised:
        Endpoint.parse(text)
    assert str(raised.value) == message


@pytest.mark.parametrize("version", ["1", "2.0", "1.", "one", "1.0 beta"])
def test_version_other_than_1_is_refused(version: str) -> None:
    with pytest.raises(ConnectionStringError, match=r"Version .*expected 1\.x"):
        Endpoint.parse(f"{AZURE};AccessKey=k;Version={version}")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8888/", "٨"])
def test_port_out_of_range_is_refused(port: str) -> None:
    with pytest.raises(ConnectionStringError, match=r"Port .*expected 1 to 65535"):
        Endpoint.parse(f"{AZURE};AccessKey=k;Port={port}")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"AccessKey={KEY}", id="no-endpoint"),
        pytest.param(KEY, id="key-alone"),
        pytest.param(f"{AZURE};AccessKey=k;{KEY}", id="torn-key"),
        pytest.param(f"{AZURE};{KEY}=", id="key-as-name"),
        pytest.param(f"{AZURE};AccessKey={KEY};AccessKey={KEY}", id="twice"),
        pytest.param(f"Endpoint={KEY};AccessKey=k", id="key-as-endpoint"),
        pytest.param(f"{AZURE};AccessKey=k;Version={KEY}", id="key-as-version"),
        pytest.param(f"{AZURE};AccessKey=k;Port={KEY}", id="key-as-port"),
    ],
)
def test_error_repeats_no_value(text: str) -> None:
    with pytest.raises(ConnectionStringError) as raised:
        Endpoint.parse(text)
    assert KEY not in str(raised.value)


def test_repr_hides_the_access_key() -> None:
    assert KEY not in repr(Endpoint.parse(f"{AZURE};AccessKey={KEY}"))


APP = f"ClientId={CLIENT};TenantId={TENANT}"


@pytest.mark.parametrize(
    ("properties", "identity"),
    [
        pytest.param("AuthType=azure", Identity(), id="default"),
        pytest.param("AuthType=Azure;Version=1.0;", Identity(), id="any-case"),
        pytest.param(
            f"AuthType=azure;ClientId={CLIENT}", Identity(client_id=CLIENT), id="default-with-client-id"
        ),
        pytest.param("AuthType=azure.msi", Identity(IdentityKind.MANAGED), id="system-assigned"),
        pytest.param(
            f"AuthType=azure.msi;ClientId={CLIENT}",
            Identity(IdentityKind.MANAGED, CLIENT),
            id="user-assigned",
        ),
        pytest.param(
            f"AuthType=azure.app;{APP};ClientSecret=s=;",
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, "s="),
            id="application",
        ),
        pytest.param(
            f"AuthType=azure.app;{APP};ClientCert=/app/my cert.pem",
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, certificate="/app/my cert.pem"),
            id="application-with-certificate",
        ),
        pytest.param(
            f"AuthType=azure.app;{APP};clientCertPath=/app/cert.pem",
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, certificate="/app/cert.pem"),
            id="certificate-as-documented",
        ),
        pytest.param(
            f"AuthType=azure.certificate;{APP};ClientCert=/app/cert.pem",
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, certificate="/app/cert.pem"),
            id="certificate",
        ),
        pytest.param("AuthType=aad", Identity(IdentityKind.MANAGED), id="old-name-of-managed"),
        pytest.param(
            f"AuthType=aad;{APP};ClientSecret=s",
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, "s"),
            id="old-name-of-application",
        ),
    ],
)
def test_auth_type_says_which_identity_opens_the_service(properties: str, identity: Identity) -> None:
    endpoint = Endpoint.parse(f"{AZURE};{properties}")
    assert (endpoint.identity, endpoint.access_key) == (identity, None)


def test_access_key_needs_no_identity() -> None:
    assert Endpoint.parse(f"{AZURE};AccessKey={KEY}").identity is None


@pytest.mark.parametrize("host", ["localhost:8888", "127.0.0.1:8888", "[::1]:8888"])
def test_identity_may_reach_this_machine_in_the_clear(host: str) -> None:
    assert Endpoint.parse(f"Endpoint=http://{host};AuthType=azure").identity == Identity()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            f"{AZURE};AuthType=aws",
            "AuthType .* is invalid, expected azure, azure.msi or azure.app",
            id="type",
        ),
        pytest.param(
            f"{AZURE};AuthType=azure;AccessKey={KEY}",
            "has both AccessKey and AuthType: keep AuthType to use an Entra ID identity, or AccessKey",
            id="type-and-key",
        ),
        pytest.param(
            f"{AZURE};AuthType=azure.app;ClientSecret={KEY}",
            "has no ClientId, TenantId, which AuthType=azure.app needs; seen: Endpoint, AuthType, Client",
            id="application-without-ids",
        ),
        pytest.param(
            f"{AZURE};AuthType=azure.app;{APP}", "has no ClientSecret, which", id="application-without-secret"
        ),
        pytest.param(
            f"{AZURE};AuthType=azure.msi;ClientId={KEY}",
            "ClientId .* is invalid, expected the client id",
            id="client-id",
        ),
        pytest.param(
            f"{AZURE};AuthType=azure;TenantId={KEY}",
            "TenantId .* is invalid, expected a GUID",
            id="tenant-id",
        ),
        pytest.param(
            f"{AZURE};AuthType=azure.certificate;{APP}", "has no ClientCert, which", id="no-certificate"
        ),
        pytest.param(
            f"{AZURE};AuthType=azure.app;{APP};ClientSecret={KEY};ClientCert=/c",
            "has both ClientSecret and ClientCert: keep one",
            id="secret-and-certificate",
        ),
        pytest.param(
            "Endpoint=http://chat.example;AuthType=azure",
            "must start with https://, since Entra ID access tokens are sent to it",
            id="clear-text",
        ),
        pytest.param(
            f"{AZURE};ServerEndpoint=http://proxy.example;AuthType=azure",
            "must start with https://, since Entra ID access tokens are sent to it",
            id="clear-text-behind-a-proxy",
        ),
        pytest.param(
            f"{AZURE};{AZURE};AccessKey={KEY}", "has Endpoint twice, in parts 1 and 2", id="two-endpoints"
        ),
        pytest.param(
            f"Endpoint={AZURE};AccessKey={KEY}", "Endpoint .* begins with Endpoint= again", id="doubled"
        ),
        pytest.param(
            f"{AZURE};AccessKey=AccessKey={KEY}",
            "AccessKey .* begins with AccessKey= again",
            id="doubled-key",
        ),
        pytest.param(
            f"{AZURE};AccessKey={KEY};accesskey={KEY};",
            "has AccessKey twice, in parts 2 and 3",
            id="twice",
        ),
        pytest.param(
            f"{AZURE}AccessKey={KEY}",
            "not a valid host name: check for a missing semicolon",
            id="semicolon",
        ),
        pytest.param(f'"{AZURE};AccessKey={KEY};"', "begins or ends with a quote", id="quotes"),
        pytest.param(f"'{AZURE};AccessKey={KEY};", "begins or ends with a quote", id="one-quote"),
        pytest.param(f'{AZURE};AccessKey={KEY};"', "begins or ends with a quote", id="quote-behind"),
        pytest.param(
            f'{AZURE};AccessKey="{KEY}"',
            "AccessKey .* begins or ends with a quote: remove the quotes",
            id="quoted-key",
        ),
        pytest.param(
            f'Endpoint="https://a";AccessKey={KEY}',
            "Endpoint .* begins or ends with a quote",
            id="quoted-url",
        ),
        pytest.param(
            f"{AZURE};AccessKey={KEY[:20]} {KEY[20:]}",
            "AccessKey .* has whitespace at character 21: remove it",
            id="blank-in-key",
        ),
        pytest.param(
            f"{AZURE};AccessKey={KEY[:20]}\n{KEY[20:]}", "whitespace at character 21", id="broken-key"
        ),
        pytest.param(
            f"{AZURE};AccessKey={KEY}\u200b;Version=1.0",
            "AccessKey .* has a non-ASCII character at character 45",
            id="zero-width-blank",
        ),
        pytest.param(
            f'{AZURE};AccessKey={KEY};Version=1.0"',
            "Version .* begins or ends with a quote",
            id="quote-at-the-end",
        ),
        pytest.param(
            f"\ufeff{AZURE};AccessKey={KEY};Version=1.0;",
            "begins with an invisible character",
            id="byte-order-mark",
        ),
        pytest.param(
            f"\u200b{AZURE};AccessKey={KEY};Version=1.0;",
            "begins with an invisible character",
            id="zero-width-first",
        ),
        pytest.param(
            f"AzureSignalRConnectionString={AZURE};AccessKey={KEY};Version=1.0;",
            "begins with a name before Endpoint=: remove the name",
            id="name-of-the-setting",
        ),
        pytest.param(
            f"Endpoint=https://a..b.example;AccessKey={KEY}",
            "Endpoint .* is not a valid host name",
            id="empty-label",
        ),
        pytest.param(
            f"Endpoint=https://{'a' * 64}.example;AccessKey={KEY}",
            "Endpoint .* is not a valid host name",
            id="long-label",
        ),
        pytest.param(
            f"{AZURE},AccessKey={KEY},Version=1.0",
            "Endpoint .* is followed by a comma, expected a semicolon",
            id="commas",
        ),
        pytest.param(
            f"{AZURE};ClientEndpoint=https://:{KEY}@proxy.example;AccessKey=k",
            "ClientEndpoint .* must be a scheme and a host, with an optional path",
            id="password",
        ),
        pytest.param(
            f"{AZURE};AccessKey=<access_key>;Version=1.0;",
            "AccessKey .* is a placeholder: replace it",
            id="placeholder",
        ),
        pytest.param(
            f"Endpoint=https://chat.webpubsub.azure.com;AccessKey={KEY};Version=1.0;",
            "Endpoint .* is a Web PubSub resource, expected a SignalR Service resource",
            id="web-pubsub",
        ),
        pytest.param(
            "https://main.vault.azure.net/secrets/signalr",
            "it holds an address, expected a connection string .* or a reference such as @Microsoft.KeyVault",
            id="address-of-a-secret",
        ),
        pytest.param(
            "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)",
            "it holds an unresolved Key Vault reference",
            id="reference",
        ),
        pytest.param(
            "@Microsoft.AppConfiguration(Endpoint=https://x.azconfig.io; Key=signalr)",
            "it holds an unresolved App Configuration reference",
            id="reference-to-app-configuration",
        ),
    ],
)
def test_error_says_what_is_wrong_and_where(text: str, message: str) -> None:
    with pytest.raises(ConnectionStringError, match=message) as raised:
        Endpoint.parse(text)
    assert KEY[:20] not in str(raised.value)


def test_proxies_may_have_a_path() -> None:
    endpoint = Endpoint.parse(
        f"{AZURE};ClientEndpoint=https://proxy.example/real-time/;ServerEndpoint=https://proxy.example:444/a/b;"
        f"AccessKey={KEY}"
    )
    assert endpoint.client_hub_url("chat") == "https://proxy.example/real-time/client/?hub=chat"
    assert endpoint.client_audience("chat") == "https://chat.service.signalr.net/client/?hub=chat"
    assert endpoint.server_url == "https://proxy.example:444/a/b"


@pytest.mark.parametrize("ending", ["", "/", "//"])
def test_trailing_slash_is_dropped_from_each_endpoint(ending: str) -> None:
    endpoint = Endpoint.parse(
        f"{AZURE}{ending};ClientEndpoint=https://c.example{ending};"
        f"ServerEndpoint=https://s.example{ending};AccessKey={KEY}"
    )
    urls = (endpoint.url, endpoint.client_url, endpoint.server_url)
    assert urls == ("https://chat.service.signalr.net", "https://c.example", "https://s.example")


def test_client_secret_may_have_any_character() -> None:
    endpoint = Endpoint.parse(f"{AZURE};AuthType=azure.app;{APP};ClientSecret=\"a b<c>'=~")
    assert endpoint.identity is not None
    assert endpoint.identity.client_secret == "\"a b<c>'=~"


def test_repr_hides_secrets() -> None:
    assert KEY not in repr(Endpoint.parse(f"{AZURE};AuthType=azure.app;{APP};ClientSecret={KEY}"))
