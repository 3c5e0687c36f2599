"""Where an access token of Entra ID may go, in every way to make a client."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from serverless_signalr import _hosts
from serverless_signalr._identity import Identity
from serverless_signalr.connection import service_connection
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError
from serverless_signalr.rest import ServiceClient

SECURE = "https://chat.service.signalr.net"

WAYS: dict[str, Callable[[str], object]] = {
    "connection string": lambda url: Endpoint.parse(f"Endpoint={url};AuthType=azure"),
    "connection string with a proxy": lambda url: Endpoint.parse(
        f"Endpoint={SECURE};ServerEndpoint={url};AuthType=azure"
    ),
    "endpoint": lambda url: Endpoint(url, url, url, identity=Identity()),
    "changed endpoint": lambda url: replace(
        Endpoint(SECURE, SECURE, SECURE, identity=Identity()), server_url=url
    ),
    "setting": lambda url: service_connection("Mine", {"Mine__serviceUri": url}).client("chat"),
    "setting with a proxy": lambda url: service_connection(
        "Mine", {"Mine__serviceUri": SECURE, "Mine__serverEndpoint": url}
    ).client("chat"),
    "connection string in a setting": lambda url: service_connection(
        "Mine", {"Mine": f"Endpoint={url};AuthType=azure"}
    ).client("chat"),
    "one of several": lambda url: service_connection(
        "Mine",
        {"Mine__serviceUri": SECURE, "Azure__SignalR__Endpoints__b__serviceUri": url},
    ).client("chat"),
    "client with a credential": lambda url: ServiceClient(
        Endpoint(url, url, url), "chat", credential=CREDENTIAL
    ),
    "client with a credential in place of the key": lambda url: ServiceClient(
        f"Endpoint={url};AccessKey=k", "chat", credential=CREDENTIAL
    ),
}
CREDENTIAL: Any = object()

each_way = pytest.mark.parametrize("make", WAYS.values(), ids=WAYS.keys())


@each_way
@pytest.mark.parametrize(
    "url",
    [
        "http://chat.service.signalr.net",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://127.0.0.2",
        "http://10.0.0.4:8888",
        "http://[::2]",
    ],
)
def test_token_is_not_sent_unencrypted_to_another_machine(make: Callable[[str], object], url: str) -> None:
    with pytest.raises(ConnectionStringError, match="must start with https://, since Entra ID access tokens"):
        make(url)


@each_way
@pytest.mark.parametrize(
    "url", [SECURE, "http://localhost:8888", "http://127.0.0.1:8888", "http://[::1]:8888", "http://LOCALHOST"]
)
def test_token_may_go_encrypted_anywhere_and_anyhow_to_this_machine(
    make: Callable[[str], object], url: str
) -> None:
    assert make(url)


@pytest.mark.parametrize(("url", "is_local"), [("http://localhost:1", True), ("https://example.com", False)])
def test_local_hosts_are_this_machine(url: str, is_local: bool) -> None:
    assert _hosts.is_local(url) is is_local
