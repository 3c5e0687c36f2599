"""Where the app's connection is found, and what a reader is told where it is not."""

import pytest

from serverless_signalr._connection.settings import DEFAULT_CONNECTION, read_instances
from serverless_signalr.errors import ConnectionStringError

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
        ConnectionStringError, match="the app setting Mine is wrong: the connection string has no"
    ) as raised:
        read_instances("Mine", {"Mine": f"AccessKey={KEY}"})[0].endpoint()
    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None
