"""Connection strings, as documented, as people write them, and as they get them wrong."""

import pytest

from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError

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
            "part 2 of the connection string is no Name=Value pair that the service knows; seen: Endpoint",
            id="no-pair",
        ),
        pytest.param(
            f"{AZURE};Key=k",
            "part 2 of the connection string is no Name=Value pair that the service knows; seen: Endpoint",
            id="unknown-name",
        ),
        pytest.param(
            f"{AZURE};AccessKey=k;accesskey=k",
            "the connection string has AccessKey twice, in the parts 2 and 3",
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
            "Endpoint in the connection string must be scheme and host, nothing more",
            id="path",
        ),
        pytest.param(
            f"{AZURE}?hub=chat;AccessKey=k",
            "Endpoint in the connection string must be scheme and host, nothing more",
            id="query",
        ),
        pytest.param(
            "Endpoint=https://[::1;AccessKey=k",
            "Endpoint in the connection string is no valid URL",
            id="bracket",
        ),
        pytest.param(
            "Endpoint=https://chat:99999;AccessKey=k",
            "Endpoint in the connection string is no valid URL",
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
