"""Messages as a test compares and reads them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from serverless_signalr.testing import Message, Recipient, Sent, invocation_context, message
from tests.serverless_signalr._testing.apps import Room, RoomClient


def test_messages_are_equal_whoever_they_are_to() -> None:
    assert Message("hi", 1, to=Recipient("group", "g")) == Message("hi", 1)


@pytest.mark.parametrize("other", [Message("hello", 1), Message("hi", 2), Message("hi", 1, excluded=["a"])])
def test_messages_differ_in_target_arguments_and_excluded(other: Message) -> None:
    assert Message("hi", 1) != other


def test_arguments_are_what_clients_receive() -> None:
    assert Message("at", datetime(2026, 1, 2, tzinfo=UTC)).arguments == ("2026-01-02T00:00:00Z",)


def test_message_of_an_interface_has_the_target_of_its_method() -> None:
    assert message(RoomClient.said, "hi", by="ann") == Message("said", "hi", "ann")


def test_what_is_not_a_method_of_an_interface_is_refused() -> None:
    odd: Any = print
    with pytest.raises(TypeError, match="not a method of a client interface"):
        message(odd, "hi")


def test_repr_says_what_was_sent_to_whom() -> None:
    sent = Sent([Message("hi", 1, to=Recipient("group", "g"), excluded=["a"]), Message("bye")])
    assert repr(sent) == (
        "<Sent: Message('hi', 1, excluded=('a',)) to the group 'g'; Message('bye') to everybody>"
    )


def test_repr_says_that_nothing_was_sent() -> None:
    assert repr(Sent()) == "<Sent: nothing>"


async def test_method_can_be_called_directly_with_a_context() -> None:
    assert Room().wait(1) == "waited 1"
    context = invocation_context(user_id="ann", claims={"role": "admin"})
    assert (context.user_id, context.claims["role"], context.category) == ("ann", ("admin",), "messages")
