"""What the exceptions are."""

import copy

from serverless_signalr.errors import ConnectionStringError, HubException


def test_message_is_what_was_given() -> None:
    assert str(HubException("no such room")) == "no such room"


def test_exception_can_be_copied() -> None:
    assert str(copy.copy(HubException("no"))) == "no"


def test_wrong_connection_string_is_a_wrong_value() -> None:
    assert issubclass(ConnectionStringError, ValueError)
