"""What leaves the app when a call fails."""

import traceback

import pytest

from serverless_signalr._functions.answers import answering_client
from serverless_signalr.errors import HubException

REPORT = ["serverless_signalr.errors.HubException: no\n"]


def report(error: BaseException) -> list[str]:
    """Return what the worker makes of a failed function."""
    return traceback.format_exception(type(error), error, error.__traceback__)


def test_report_of_a_raised_exception_shows_no_frame() -> None:
    with pytest.raises(HubException) as raised, answering_client("echo"):
        raise HubException("no")
    assert report(raised.value) == REPORT


def test_report_does_not_show_a_cause() -> None:
    with pytest.raises(HubException) as raised, answering_client("echo"):
        raise HubException("no") from ValueError("secret")
    assert report(raised.value) == REPORT


def test_report_does_not_show_what_was_being_handled() -> None:
    def fail() -> None:
        try:
            raise ValueError("secret")
        except ValueError:
            raise HubException("no")  # noqa: B904 - what a user writes

    with pytest.raises(HubException) as raised, answering_client("echo"):
        fail()
    assert report(raised.value) == REPORT


def test_report_of_a_subclass_shows_no_frame() -> None:
    class Refused(HubException):
        pass

    with pytest.raises(HubException) as raised, answering_client("echo"):
        raise Refused("no")
    assert report(raised.value) == REPORT


def test_exception_in_a_function_keeps_its_traceback_for_who_tests_it() -> None:
    with pytest.raises(HubException) as raised:
        raise HubException("no")
    assert raised.value.__traceback__ is not None
