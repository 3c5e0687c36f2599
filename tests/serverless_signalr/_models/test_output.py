"""Messages and group actions, in the words of the SignalR extension."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import pytest

from serverless_signalr._models.negotiation import SignalREndpoint
from serverless_signalr._models.output import SignalRGroupAction, SignalRMessage, SignalROutput


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            SignalRMessage(target="news", arguments=["a", 1]),
            {"target": "news", "arguments": ["a", 1]},
            id="all",
        ),
        pytest.param(SignalRMessage(target="news"), {"target": "news", "arguments": []}, id="no-arguments"),
        pytest.param(
            SignalRMessage(target="news", connection_id="c"),
            {"target": "news", "arguments": [], "connectionId": "c"},
            id="connection",
        ),
        pytest.param(
            SignalRMessage(target="news", user_id="u"),
            {"target": "news", "arguments": [], "userId": "u"},
            id="user",
        ),
        pytest.param(
            SignalRMessage(target="news", group_name="g"),
            {"target": "news", "arguments": [], "groupName": "g"},
            id="group",
        ),
        pytest.param(
            SignalRMessage(target="news", endpoints=[SignalREndpoint("Primary", "", "https://a", True)]),
            {
                "target": "news",
                "arguments": [],
                "endpoints": [
                    {"endpointType": "Primary", "name": "", "endpoint": "https://a", "online": True}
                ],
            },
            id="endpoints",
        ),
        pytest.param(
            SignalRMessage(target="news", endpoints=[]),
            {"target": "news", "arguments": [], "endpoints": []},
            id="no-endpoints",
        ),
        pytest.param(
            SignalRMessage(target="news", arguments=(date(2026, 2, 3), None)),
            {"target": "news", "arguments": ["2026-02-03", None]},
            id="values",
        ),
    ],
)
def test_message_is_written_as_the_output_binding_takes_it(
    message: SignalRMessage, expected: dict[str, object]
) -> None:
    assert message.to_dict() == expected


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param({"target": ""}, "the target of a message must not be empty", id="no-target"),
        pytest.param(
            {"target": "t", "user_id": "u", "group_name": "g"},
            "user_id and group_name are given, expected one of them",
            id="two-addressees",
        ),
        pytest.param({"target": "t", "user_id": ""}, "user_id must not be empty", id="empty-user"),
        pytest.param({"target": "t", "connection_id": ""}, "connection_id must not be empty", id="empty-id"),
        pytest.param({"target": "t", "group_name": ""}, "group_name must not be empty", id="empty-group"),
        pytest.param(
            {"target": "t", "group_name": " "}, "a group name must not be empty or blank", id="blank-group"
        ),
        pytest.param(
            {"target": "t", "group_name": "x" * 1025},
            "a group name has at most 1,024 characters, this one has 1,025",
            id="long-group",
        ),
    ],
)
def test_message_that_would_go_astray_is_refused(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=f"^{error}$"):
        SignalRMessage(**arguments)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        pytest.param(
            SignalRGroupAction(action="add", group_name="g", connection_id="c"),
            {"action": "add", "groupName": "g", "connectionId": "c"},
            id="add-connection",
        ),
        pytest.param(
            SignalRGroupAction(action="remove", group_name="g", user_id="u"),
            {"action": "remove", "groupName": "g", "userId": "u"},
            id="remove-user",
        ),
        pytest.param(
            SignalRGroupAction(action="removeAll", user_id="u"),
            {"action": "removeAll", "userId": "u"},
            id="remove-all",
        ),
        pytest.param(
            SignalRGroupAction(action="removeAll", user_id="u", endpoints=[]),
            {"action": "removeAll", "userId": "u", "endpoints": []},
            id="endpoints",
        ),
    ],
)
def test_group_action_is_written_as_the_output_binding_takes_it(
    action: SignalRGroupAction, expected: dict[str, object]
) -> None:
    assert action.to_dict() == expected


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param(
            {"action": "join", "group_name": "g", "user_id": "u"},
            "the group action is 'join', expected add, remove or removeAll",
            id="unknown",
        ),
        pytest.param(
            {"action": "add", "group_name": "g"}, "add needs a connection_id or a user_id", id="nobody"
        ),
        pytest.param(
            {"action": "add", "group_name": "g", "user_id": "u", "connection_id": "c"},
            "connection_id and user_id are given, expected one of them",
            id="two",
        ),
        pytest.param({"action": "add", "user_id": "u"}, "add needs a group_name", id="no-group"),
        pytest.param(
            {"action": "remove", "connection_id": "c"}, "remove needs a group_name", id="removed-from-none"
        ),
        pytest.param(
            {"action": "add", "user_id": "u", "group_name": " "},
            "a group name must not be empty or blank",
            id="blank-group",
        ),
        pytest.param(
            {"action": "removeAll", "connection_id": "c"},
            "removeAll takes a user_id, and neither a connection_id nor a group_name",
            id="remove-all-of-connection",
        ),
        pytest.param(
            {"action": "removeAll", "user_id": "u", "group_name": "g"},
            "removeAll takes a user_id, and neither a connection_id nor a group_name",
            id="remove-all-of-group",
        ),
    ],
)
def test_group_action_that_the_extension_refuses_or_ignores_is_refused(
    arguments: dict[str, Any], error: str
) -> None:
    with pytest.raises(ValueError, match=f"^{error}$"):
        SignalRGroupAction(**arguments)


def test_output_collects_in_order() -> None:
    output = SignalROutput()
    output.add_to_group("g", connection_id="c")
    output.send("news", 1, 2, group_name="g")
    output.remove_from_group("g", user_id="u")
    output.remove_from_all_groups("u")
    output.append(SignalRMessage(target="bye"))
    assert output.items == (
        SignalRGroupAction(action="add", group_name="g", connection_id="c"),
        SignalRMessage(target="news", arguments=(1, 2), group_name="g"),
        SignalRGroupAction(action="remove", group_name="g", user_id="u"),
        SignalRGroupAction(action="removeAll", user_id="u"),
        SignalRMessage(target="bye"),
    )


@pytest.mark.parametrize(
    ("addressee", "message"),
    [
        ({}, SignalRMessage(target="t", arguments=("a",))),
        ({"user_id": "u"}, SignalRMessage(target="t", arguments=("a",), user_id="u")),
        ({"connection_id": "c"}, SignalRMessage(target="t", arguments=("a",), connection_id="c")),
        ({"group_name": "g"}, SignalRMessage(target="t", arguments=("a",), group_name="g")),
    ],
    ids=["all", "user", "connection", "group"],
)
def test_output_sends_to_the_addressee(addressee: dict[str, str], message: SignalRMessage) -> None:
    output = SignalROutput()
    output.send("t", "a", **addressee)
    assert output.items == (message,)


def test_output_that_collected_nothing_is_empty() -> None:
    assert SignalROutput().items == ()


@pytest.mark.parametrize("argument", [float("nan"), [float("inf")], object(), {(1,): 2}])
def test_argument_that_cannot_be_sent_is_refused_where_it_is_given(argument: object) -> None:
    outbox = SignalROutput()
    with pytest.raises((TypeError, ValueError)):
        outbox.send("m", argument)
    assert outbox.items == ()


class NotText(NamedTuple):
    """A value that an app may take for an id, and the error for it."""

    id: Any
    error: type[Exception]
    reason: str


@pytest.mark.parametrize(
    "wrong",
    [
        NotText(0, TypeError, "is 0, expected text"),
        NotText(5, TypeError, "is 5, expected text"),
        NotText(True, TypeError, "is True, expected text"),
        NotText(b"ann", TypeError, "is b'ann', expected text"),
        NotText(["ann"], TypeError, r"is \['ann'\], expected text"),
        NotText("..", ValueError, r"'\.\.' cannot be part of a URL"),
        NotText("half \ud83d", ValueError, "contains half of a surrogate pair"),
    ],
    ids=["zero", "number", "boolean", "bytes", "list", "dots", "half-emoji"],
)
@pytest.mark.parametrize(
    ("kind", "send"),
    [
        ("user id", lambda outbox, id: outbox.send("m", user_id=id)),
        ("connection id", lambda outbox, id: outbox.send("m", connection_id=id)),
        ("group name", lambda outbox, id: outbox.send("m", group_name=id)),
        ("connection id", lambda outbox, id: outbox.add_to_group("g", connection_id=id)),
        ("user id", lambda outbox, id: outbox.remove_from_group("g", user_id=id)),
        ("group name", lambda outbox, id: outbox.add_to_group(id, user_id="u")),
        ("user id", lambda outbox, id: outbox.remove_from_all_groups(id)),
    ],
    ids=["user", "connection", "group", "added", "removed", "group-of-added", "removed-from-all"],
)
def test_id_that_cannot_be_sent_is_refused_where_it_is_given(
    kind: str, send: Callable[[SignalROutput, Any], None], wrong: NotText
) -> None:
    outbox = SignalROutput()
    with pytest.raises(wrong.error, match=f"^the {kind} .*{wrong.reason}"):
        send(outbox, wrong.id)
    assert outbox.items == ()


@pytest.mark.parametrize("target", [5, b"news", ["news"], None])
def test_target_that_is_not_text_is_refused(target: Any) -> None:
    with pytest.raises(TypeError, match=r"the target of a message is .*, expected text"):
        SignalRMessage(target=target)


def test_half_of_an_emoji_in_a_target_breaks_no_send() -> None:
    assert SignalRMessage(target="half \ud83d").to_dict()["target"] == "half \ufffd"


@pytest.mark.parametrize("item", [{"target": "news"}, "news", None])
def test_output_takes_nothing_else_than_messages_and_group_actions(item: Any) -> None:
    outbox = SignalROutput()
    with pytest.raises(TypeError, match=f"not a {type(item).__name__}$"):
        outbox.append(item)
    assert outbox.items == ()


@pytest.mark.parametrize(
    "arguments", ["hello", b"hello", bytearray(b"hello"), {"a": 1}, {1}, None, iter([1])]
)
def test_arguments_that_are_no_list_are_told_so(arguments: Any) -> None:
    with pytest.raises(TypeError, match=r"the arguments of a message are a \w+, expected a list"):
        SignalRMessage(target="m", arguments=arguments)


def test_output_shows_what_it_has_collected() -> None:
    outbox = SignalROutput()
    outbox.add_to_group("g", connection_id="c")
    outbox.send("news", 1)
    assert repr(outbox) == f"SignalROutput({outbox.items[0]!r}, {outbox.items[1]!r})"
