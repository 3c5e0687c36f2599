"""What clients do, and what the others see of it."""

from collections.abc import Callable
from typing import Any

import pytest

from serverless_signalr import HubException

type Invoke = Callable[..., tuple[Any, list[dict[str, Any]] | None]]


def new_message(text: str, group_name: str | None = None, *, is_private: bool = False) -> dict[str, Any]:
    return {
        "target": "newMessage",
        "arguments": [
            {
                "sender": "ann",
                "connectionId": "c1",
                "text": text,
                "groupName": group_name,
                "isPrivate": is_private,
            }
        ],
    }


@pytest.mark.parametrize("user_id", ["ann", None])
def test_everybody_sees_who_came(invoke: Invoke, user_id: str | None) -> None:
    _, sent = invoke("connected", user_id=user_id)
    assert {"target": "newConnection", "arguments": [{"connectionId": "c1", "userId": user_id}]} in (
        sent or []
    )


def test_who_came_is_among_the_people_before_anybody_hears_of_it(invoke: Invoke) -> None:
    _, sent = invoke("connected")
    assert sent is not None
    assert sent[0] == {"action": "add", "groupName": "$people", "connectionId": "c1"}


@pytest.mark.parametrize("error", [None, "Service timeout"])
def test_everybody_sees_who_went_and_why(invoke: Invoke, error: str | None) -> None:
    _, sent = invoke("disconnected", error=error)
    assert sent == [
        {
            "target": "connectionClosed",
            "arguments": [{"connectionId": "c1", "userId": "ann", "error": error}],
        }
    ]


def test_broadcast_goes_to_everybody(invoke: Invoke) -> None:
    assert invoke("broadcast", "hi") == (None, [new_message("hi")])


def test_message_to_a_group_names_the_group(invoke: Invoke) -> None:
    _, sent = invoke("sendToGroup", "g", "hi")
    assert sent == [new_message("hi", "g") | {"groupName": "g"}]


def test_message_to_a_user_is_private(invoke: Invoke, service: None) -> None:
    is_there, sent = invoke("sendToUser", "bob", "hi")
    assert is_there is False
    assert sent == [new_message("hi", is_private=True) | {"userId": "bob"}]


def test_message_to_a_connection_is_private(invoke: Invoke, service: None) -> None:
    is_there, sent = invoke("sendToConnection", "c2", "hi")
    assert is_there is False
    assert sent == [new_message("hi", is_private=True) | {"connectionId": "c2"}]


@pytest.mark.parametrize(("event", "action"), [("joinGroup", "add"), ("leaveGroup", "remove")])
def test_client_moves_only_its_own_connection(invoke: Invoke, event: str, action: str) -> None:
    _, sent = invoke(event, "g")
    assert sent == [{"action": action, "groupName": "g", "connectionId": "c1"}]


def test_nobody_is_there_when_nobody_is_connected(invoke: Invoke, service: None) -> None:
    assert invoke("people") == ([], None)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "", "hi", [1, "2"], {"a": {"b": None}}])
def test_echo_answers_with_what_it_was_given(invoke: Invoke, value: object) -> None:
    assert invoke("echo", value) == (value, None)


@pytest.mark.parametrize(
    ("event", "arguments", "error"),
    [
        pytest.param("broadcast", [], "broadcast(text: string) was called with 0 arguments.", id="broadcast"),
        pytest.param(
            "broadcast",
            [5],
            "broadcast(text: string) was called with a wrong text: expected string, got integer.",
            id="broadcast-number",
        ),
        pytest.param(
            "sendToGroup",
            ["g"],
            "sendToGroup(groupName: string, text: string) was called with 1 argument.",
            id="send-to-group",
        ),
        pytest.param(
            "sendToGroup",
            [" ", "hi"],
            "groupName is wrong: a group name must not be empty or blank.",
            id="blank",
        ),
        pytest.param("sendToUser", ["", "hi"], "userId must not be empty.", id="no-user"),
        pytest.param("sendToConnection", ["", "hi"], "connectionId must not be empty.", id="no-connection"),
        pytest.param(
            "joinGroup",
            ["x" * 1025],
            "groupName is wrong: a group name has at most 1,024 characters, this one has 1,025.",
            id="join-long",
        ),
        pytest.param(
            "leaveGroup",
            [""],
            "groupName is wrong: a group name must not be empty or blank.",
            id="leave-empty",
        ),
        pytest.param(
            "joinGroup",
            ["g", "c2"],
            "joinGroup(groupName: string) was called with 2 arguments.",
            id="join-for-another",
        ),
        pytest.param(
            "joinGroup", ["$people"], "groupName is wrong: $people is the app's own group.", id="people"
        ),
        pytest.param("echo", [], "echo(value) was called with 0 arguments.", id="echo"),
    ],
)
def test_wrong_call_is_answered_with_what_is_wrong(
    invoke: Invoke, event: str, arguments: list[object], error: str
) -> None:
    with pytest.raises(HubException) as raised:
        invoke(event, *arguments)
    assert str(raised.value) == error
