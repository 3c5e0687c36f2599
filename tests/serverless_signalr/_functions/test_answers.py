"""What leaves the app when a call fails."""

import asyncio
import json
import traceback

import pytest

from serverless_signalr._functions.answers import answering_client, hub_exception, to_answer
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


async def refuse(text: str = "Not today.") -> None:
    raise HubException(text)


async def crash() -> None:
    raise ValueError("secret")


async def test_client_sees_what_a_task_group_raised_for_it() -> None:
    with pytest.raises(HubException, match=r"^Not today\.$") as raised, answering_client("echo"):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(refuse())
    assert raised.value.__traceback__ is None


async def test_client_sees_nothing_of_a_task_group_that_failed_otherwise_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def call() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(refuse())
            tasks.create_task(crash())

    with pytest.raises(HubException, match=r"^echo failed on the server\.$"), answering_client("echo"):
        await call()
    assert "secret" in caplog.text


def test_exception_is_found_in_groups_of_groups() -> None:
    error = HubException("no")
    assert hub_exception(ExceptionGroup("", [ExceptionGroup("", [error])])) is error
    assert hub_exception(ExceptionGroup("", [ExceptionGroup("", [error]), ValueError()])) is None


def test_half_an_emoji_in_an_error_is_replaced() -> None:
    with pytest.raises(HubException, match="no \ufffd"), answering_client("echo"):
        raise HubException("no \ud83d")


@pytest.mark.parametrize("result", [float("nan"), object(), {"a": float("inf")}])
def test_answer_that_cannot_be_sent_fails_before_the_worker_has_it(result: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        to_answer(result)


def test_answer_has_a_form_in_utf_8() -> None:
    assert json.dumps(to_answer({"a": "\ud83d"}), ensure_ascii=False).encode() == '{"a": "\ufffd"}'.encode()
