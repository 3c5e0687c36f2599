"""Outputs behind the HTTP upstream: which operation each item becomes."""

from collections.abc import Mapping
from typing import Any

import pytest

from serverless_signalr import SignalREndpoint, SignalROutput, service_connection
from serverless_signalr._upstream.outputs import send_items
from serverless_signalr.errors import ServiceUnavailableError
from serverless_signalr.testing import FakeService, GroupAction, Message, Recipient

ALL, GROUP, USER, CONNECTION = (
    Recipient("all"),
    Recipient("group", "g"),
    Recipient("user", "ann"),
    Recipient("connection", "c1"),
)


async def sent(*items: Mapping[str, Any]) -> FakeService:
    with FakeService() as service:
        await send_items(service_connection().client("chat"), items)
    return service


@pytest.mark.parametrize(
    ("addressee", "recipient"),
    [
        ({}, ALL),
        ({"group_name": "g"}, GROUP),
        ({"user_id": "ann"}, USER),
        ({"connection_id": "c1"}, CONNECTION),
    ],
    ids=["all", "group", "user", "connection"],
)
async def test_message_goes_to_its_addressee_alone(addressee: dict[str, str], recipient: Recipient) -> None:
    output = SignalROutput()
    output.send("news", 1, {"a": 2}, **addressee)
    [found] = (await sent(*(item.to_dict() for item in output.items))).sent.messages
    assert (found, found.to) == (Message("news", 1, {"a": 2}), recipient)


async def test_group_actions_are_done_in_order() -> None:
    output = SignalROutput()
    output.add_to_group("g", connection_id="c1")
    output.add_to_group("g", user_id="ann")
    output.remove_from_group("g", connection_id="c1")
    output.remove_from_group("g", user_id="ann")
    output.remove_from_all_groups("ann")
    assert (await sent(*(item.to_dict() for item in output.items))).sent.group_actions == [
        GroupAction("add", "g", connection_id="c1"),
        GroupAction("add", "g", user_id="ann"),
        GroupAction("remove", "g", connection_id="c1"),
        GroupAction("remove", "g", user_id="ann"),
        GroupAction("remove", None, user_id="ann"),
    ]


async def test_first_failure_stops_the_rest() -> None:
    with FakeService() as service:
        service.fail(503)
        with pytest.raises(ServiceUnavailableError):
            await send_items(
                service_connection().client("chat"),
                [{"target": "one", "arguments": []}, {"target": "two", "arguments": []}],
            )
    assert service.sent.messages == []


async def test_endpoints_are_refused_before_the_item_is_sent() -> None:
    endpoints = [SignalREndpoint("Primary", "a", "https://a", True).to_dict()]
    with FakeService() as service, pytest.raises(TypeError, match="leave out endpoints"):
        await send_items(
            service_connection().client("chat"), [{"target": "t", "arguments": [], "endpoints": endpoints}]
        )
    assert service.sent.messages == []
