"""docs/contract.md is what the app does: every event, every route, and the request that it shows."""

import json
import re
import shlex
from typing import Any

import pytest

import function_app
from serverless_signalr import HubException
from serverless_signalr._testing.functions import functions_of
from serverless_signalr.testing import FakeService, Message, call, request
from tests.docs.pages import Page

PAGE = Page("docs/contract.md")
METHODS = dict(re.findall(r"`(\w+)\((.*?)\)`", PAGE.text.partition("## HTTP")[0]))
ROUTES = {
    (method, route.partition("?")[0])
    for methods, route in re.findall(r"`((?:[A-Z]+`, `)?[A-Z]+) ([a-z][^`\s]*)`", PAGE.text)
    for method in re.findall(r"[A-Z]+", methods)
}


@pytest.fixture(scope="module")
def bindings() -> list[dict[str, Any]]:
    functions = functions_of(function_app.app).all
    return [json.loads(text) for function in functions for text in function.get_raw_bindings()]


def test_every_event_is_in_the_table_and_no_other(bindings: list[dict[str, Any]]) -> None:
    events = {one["event"] for one in bindings if one["type"] == "signalRTrigger"}
    received = {"newMessage", "newConnection", "connectionClosed"}
    assert set(METHODS) - received == events - {"connected", "disconnected"}


@pytest.mark.parametrize("method", sorted(name for name, taken in METHODS.items() if "{" not in taken))
async def test_method_takes_the_arguments_of_the_table(method: str) -> None:
    with FakeService() as service, pytest.raises(HubException) as refused:
        await call(function_app.app, method, *["x"] * 9, service=service)
    taken = re.findall(r"(\w+)(?:: \w+)?[,)]", str(refused.value).partition(" was")[0])
    assert taken == re.findall(r"\w+", METHODS[method])


def test_every_route_is_in_the_table_and_no_other(bindings: list[dict[str, Any]]) -> None:
    served = {
        (method, one["route"])
        for one in bindings
        if one["type"] == "httpTrigger"
        for method in one["methods"]
    }
    assert served == ROUTES


async def test_request_of_the_shell_is_sent_to_everybody() -> None:
    [command] = [block.text for block in PAGE.blocks if block.text.startswith("curl ")]
    _, _, body, url = shlex.split(command)
    sent = await request(function_app.app, "POST", url.partition(":7071")[2], body=body.encode())
    assert sent.to_all == [Message("newMessage", json.loads(body))]
