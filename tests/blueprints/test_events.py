"""What clients do, and what the others see of it."""

from typing import Any

import pytest

from blueprints.hub import HUB
from serverless_signalr import FunctionApp, HubException
from serverless_signalr.testing import FakeService, GroupAction, Message, call, connect, disconnect


def new_message(text: str, group_name: str | None = None, *, is_private: bool = False) -> Message:
    return Message(
        "newMessage",
        {
            "sender": "ann",
            "connectionId": "c1",
            "text": text,
            "groupName": group_name,
            "isPrivate": is_private,
        },
    )


async def test_everybody_sees_who_came(app: FunctionApp) -> None:
    sent = await connect(app, user_id="ann")
    assert sent.to_all == [Message("newConnection", {"connectionId": "c1", "userId": "ann"})]


async def test_everybody_sees_that_somebody_came_who_is_anonymous(app: FunctionApp) -> None:
    assert (await connect(app)).to_all == [Message("newConnection", {"connectionId": "c1", "userId": None})]


async def test_who_came_is_among_the_people_before_anybody_hears_of_it(app: FunctionApp) -> None:
    sent = await connect(app, user_id="ann")
    assert sent.everything[0] == GroupAction("add", "$people", connection_id="c1")


@pytest.mark.parametrize("error", [None, "Service timeout"])
async def test_everybody_sees_who_went_and_why(app: FunctionApp, error: str | None) -> None:
    sent = await disconnect(app, user_id="ann", error=error)
    assert sent.to_all == [
        Message("connectionClosed", {"connectionId": "c1", "userId": "ann", "error": error})
    ]


async def test_broadcast_goes_to_everybody(app: FunctionApp) -> None:
    assert (await call(app, "broadcast", "hi", user_id="ann")).to_all == [new_message("hi")]


async def test_message_to_a_group_names_the_group(app: FunctionApp) -> None:
    sent = await call(app, "sendToGroup", "g", "hi", user_id="ann")
    assert sent.to_group("g") == sent.messages == [new_message("hi", "g")]


async def test_message_to_a_user_is_private(app: FunctionApp) -> None:
    sent = await call(app, "sendToUser", "bob", "hi", user_id="ann")
    assert sent.to_user("bob") == sent.messages == [new_message("hi", is_private=True)]


async def test_message_to_a_connection_is_private(app: FunctionApp) -> None:
    sent = await call(app, "sendToConnection", "c2", "hi", user_id="ann")
    assert sent.to_connection("c2") == sent.messages == [new_message("hi", is_private=True)]


async def test_sender_learns_whether_the_other_is_there(app: FunctionApp, service: FakeService) -> None:
    assert (await call(app, "sendToUser", "bob", "hi", service=service)).result is False
    bob = (await connect(app, user_id="bob", service=service)).connection
    assert (await call(app, "sendToUser", "bob", "hi", service=service)).result is True
    assert (await call(app, "sendToConnection", bob.id, "hi", service=service)).result is True


async def test_members_of_a_group_receive_what_is_sent_to_it_and_others_do_not(
    app: FunctionApp, service: FakeService
) -> None:
    bob, eve = service.connect(HUB, user_id="bob"), service.connect(HUB, user_id="eve")
    await call(app, "joinGroup", "g", connection=bob, service=service)
    await call(app, "sendToGroup", "g", "hi", user_id="ann", service=service)
    assert ([message.target for message in bob.received], eve.received) == (["newMessage"], [])


async def test_member_that_left_a_group_receives_nothing(app: FunctionApp, service: FakeService) -> None:
    bob = service.connect(HUB, user_id="bob")
    await call(app, "joinGroup", "g", connection=bob, service=service)
    await call(app, "leaveGroup", "g", connection=bob, service=service)
    await call(app, "sendToGroup", "g", "hi", user_id="ann", service=service)
    assert bob.received == []


@pytest.mark.parametrize(("event", "action"), [("joinGroup", "add"), ("leaveGroup", "remove")])
async def test_client_moves_only_its_own_connection(app: FunctionApp, event: str, action: Any) -> None:
    sent = await call(app, event, "g", connection_id="c1")
    assert sent.everything == [GroupAction(action, "g", connection_id="c1")]


async def test_nobody_is_there_when_nobody_is_connected(app: FunctionApp) -> None:
    assert (await call(app, "people")).result == []


async def test_people_are_those_who_are_connected(app: FunctionApp, service: FakeService) -> None:
    ann = (await connect(app, user_id="ann", service=service)).connection
    await disconnect(app, (await connect(app, user_id="bob", service=service)).connection, service=service)
    people = (await call(app, "people", connection=ann, service=service)).result
    assert people == [{"connectionId": ann.id, "userId": "ann"}]


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "", "hi", [1, "2"], {"a": {"b": None}}])
async def test_echo_answers_with_what_it_was_given(app: FunctionApp, value: object) -> None:
    echoed = await call(app, "echo", value)
    assert (echoed.result, echoed.everything) == (value, [])


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
async def test_wrong_call_is_answered_with_what_is_wrong_and_nothing_is_sent(
    app: FunctionApp, service: FakeService, event: str, arguments: list[object], error: str
) -> None:
    with pytest.raises(HubException) as raised:
        await call(app, event, *arguments, service=service)
    assert str(raised.value) == error
    assert service.sent.everything == []
