"""The event that a trigger delivers, in the words of the SignalR extension."""

import copy
import dataclasses
import json
import pickle
from typing import Any

import pytest

from serverless_signalr._models.invocation import SignalRInvocationContext

CONNECTED = """
{"Arguments":null,"Error":null,"Category":"connections","Event":"connected","Hub":"chat",
 "ConnectionId":"V3Yq7AbC","UserId":"u1",
 "Headers":{"Host":"app.azurewebsites.net","X-ASRS-Connection-Id":"V3Yq7AbC","X-ASRS-Hub":"chat",
 "X-ASRS-Category":"connections","X-ASRS-Event":"connected","X-ASRS-User-Id":"u1",
 "X-ASRS-Client-Query":"?hub=chat","X-ASRS-User-Claims":"iss: azure-signalr",
 "X-ASRS-Signature":"sha256=..,sha256=.."},
 "Query":{"hub":"chat"},"Claims":{"iss":"azure-signalr"}}
"""

DISCONNECTED = """
{"Arguments":null,"Error":"Service timeout","Category":"connections","Event":"disconnected","Hub":"chat",
 "ConnectionId":"V3Yq7AbC","UserId":null,"Headers":{"X-ASRS-Connection-Id":"V3Yq7AbC"},"Query":null,
 "Claims":null}
"""

MESSAGE = """
{"Arguments":["hello",{"a":1}],"Error":null,"Category":"messages","Event":"SendMessage","Hub":"chat",
 "ConnectionId":"V3Yq7AbC","UserId":"u1","Headers":{},"Query":{"hub":"chat"},"Claims":{"k":"v"}}
"""


def test_connected_event_is_read() -> None:
    context = SignalRInvocationContext.from_json(CONNECTED)
    assert context == SignalRInvocationContext(
        hub="chat",
        category="connections",
        event="connected",
        connection_id="V3Yq7AbC",
        user_id="u1",
        headers=json.loads(CONNECTED)["Headers"],
        query={"hub": "chat"},
        claims={"iss": ("azure-signalr",)},
    )


def test_disconnected_event_is_read_with_its_error() -> None:
    context = SignalRInvocationContext.from_json(DISCONNECTED.encode())
    assert context == SignalRInvocationContext(
        hub="chat",
        category="connections",
        event="disconnected",
        connection_id="V3Yq7AbC",
        error="Service timeout",
        headers={"X-ASRS-Connection-Id": "V3Yq7AbC"},
    )


def test_message_is_read_with_its_arguments() -> None:
    context = SignalRInvocationContext.from_json(MESSAGE)
    assert (context.event, context.arguments) == ("SendMessage", ["hello", {"a": 1}])


def test_claims_are_those_of_the_body_where_the_header_is_absent() -> None:
    assert SignalRInvocationContext.from_json(MESSAGE).claims == {"k": ("v",)}


@pytest.mark.parametrize("name", ["X-ASRS-User-Claims", "x-asrs-user-claims"])
def test_claims_of_the_header_keep_all_values_of_a_type(name: str) -> None:
    body = json.loads(MESSAGE) | {"Headers": {name: "role: a, role: b"}, "Claims": {"role": "a"}}
    assert SignalRInvocationContext.from_json(json.dumps(body)).claims == {"role": ("a", "b")}


def context_with(**fields: Any) -> SignalRInvocationContext:
    return SignalRInvocationContext("chat", "messages", "m", "c1", **fields)


def test_context_finds_headers_and_query_in_any_case() -> None:
    context = context_with(headers={"X-ASRS-Hub": "chat"}, query={"Room": "1"})
    assert (context.headers["x-asrs-hub"], context.query["room"]) == ("chat", "1")


@pytest.mark.parametrize("name", ["headers", "query", "claims"])
def test_context_cannot_be_changed(name: str) -> None:
    mapping = getattr(context_with(claims={"role": ("user",)}), name)
    with pytest.raises(TypeError):
        mapping["role"] = ("admin",)


def test_context_does_not_show_the_clients_token() -> None:
    query = {"hub": "chat", "access_token": "eyJ.secret"}
    headers = {"X-ASRS-Client-Query": "?access_token=eyJ.secret"}
    context = context_with(query=query, headers=headers)
    for shown in (context, context.query, context.headers, dict(context.query), dataclasses.asdict(context)):
        assert "secret" not in f"{shown} {shown!r}"


def test_context_can_be_copied() -> None:
    context = context_with(query={"a": "1"}, claims={"role": ("user",)})
    assert copy.deepcopy(context) == context
    assert pickle.loads(pickle.dumps(context)) == context
    assert dataclasses.replace(context, event="n").query == {"a": "1"}


def test_context_does_not_show_headers_query_and_claims() -> None:
    shown = repr(SignalRInvocationContext.from_json(CONNECTED))
    assert "sha256" not in shown
    assert "azure-signalr" not in shown
