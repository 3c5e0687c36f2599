"""docs/connections.md: its samples run, and its tables have the properties that are read."""

import ast
import re
from typing import Any

import pytest

from serverless_signalr import SignalREndpoint
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError
from tests.docs.pages import Page

PAGE = Page("docs/connections.md")
FIRST, ROUTER = [block for block in PAGE.blocks if block.language == "python"]
VALUES = {
    "Endpoint": "https://a.service.signalr.net",
    "Port": "8443",
    "ClientEndpoint": "https://c.example",
    "ServerEndpoint": "https://s.example",
    "AccessKey": "x" * 44,
    "Version": "1.0",
}


def connection_string(**values: str) -> str:
    return "".join(f"{name}={value};" for name, value in values.items())


async def test_connection_is_opened_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MySignalR", connection_string(**VALUES))
    names: dict[str, Any] = {}
    source = FIRST.text.replace("    endpoint = await", "    return await")
    exec(compile(ast.parse(source), "connections.md", "exec"), names)
    assert names["Chat"].connection_setting == "MySignalR"
    endpoint = await names["any_other_code"]()
    assert endpoint.client_url == "https://c.example"


def test_every_property_of_the_table_is_taken() -> None:
    table = PAGE.text.partition("### Connection strings")[2].partition("###")[0]
    rows = {
        name for line in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", line)
    }
    assert rows == {*VALUES, "AuthType"}
    assert Endpoint.parse(connection_string(**VALUES)).server_url == "https://s.example"


@pytest.mark.parametrize(
    "text",
    [
        connection_string(**VALUES, Unknown="1"),
        connection_string(**VALUES) + "AccessKey=y;",
        f'"{connection_string(**VALUES)}"',
        VALUES["Endpoint"],
        connection_string(**VALUES).replace(";AccessKey", "AccessKey"),
    ],
    ids=["unknown", "duplicate", "quotes", "address", "semicolon"],
)
def test_what_the_page_says_is_refused_is_refused(text: str) -> None:
    with pytest.raises(ConnectionStringError):
        Endpoint.parse(text)


def test_router_of_the_page_chooses_the_near_endpoint() -> None:
    names: dict[str, Any] = {}
    exec(compile(ast.parse(ROUTER.text), "connections.md", "exec"), names)
    east, west = (
        SignalREndpoint("Primary", name, f"https://{name}.example", online=True) for name in ("east", "west")
    )
    assert names["nearest"]([west, east]) is east
    assert names["nearest"]([west]) is west
