"""The log and the life of the host, as events in the words of func."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from serverless_signalr._rest.trace import traceparent
from signalr_local.host.console import LevelFilter
from signalr_local.host.steps import COMPLETED, Step
from signalr_local.inspector.host_events import HostEvents
from signalr_local.inspector.journal import Journal
from signalr_local.inspector.records import record


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def host(journal: Journal) -> HostEvents:
    return HostEvents(journal)


@pytest.fixture
def trace() -> Iterator[str]:
    token = traceparent.set(f"00-{'a' * 32}-{'b' * 16}-00")
    yield "a" * 32
    traceparent.reset(token)


def line(text: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("signalr_local.host", logging.WARNING, "", 0, "%s", (text,), None)
    vars(made).update(extra)
    return made


def records(journal: Journal) -> list[dict[str, Any]]:
    return [record(event) for event in journal.after(0)]


def test_an_event_follows_the_line_that_carries_it(host: HostEvents, journal: Journal) -> None:
    event = {"kind": "invocation_completed", "function": "a", "invocation_id": "1", "result": "failed"}
    host.emit(line("Executed", category="Function.a", event=event))
    host.finish("sigint")
    said, ended, _, summary = records(journal)
    assert (said["category"], said["level"], said["message"]) == ("Function.a", "warning", "Executed")
    assert said["attributes"] == {"function.name": "a", "function.invocation_id": "1"}
    assert (ended["kind"], ended["result"]) == ("invocation_completed", "failed")
    assert summary["invocations"] == {"total": 1, "succeeded": 0, "failed": 1}
    assert (summary["errors"], summary["exit_reason"]) == (1, "sigint")


def test_lines_that_host_json_hides_are_no_events_but_calls_are(journal: Journal) -> None:
    levels = LevelFilter()
    levels.configure({"Function.a": "Error"})
    host = HostEvents(journal, levels)
    event = {"kind": "invocation_started", "function": "a", "invocation_id": "1"}
    host.emit(line("Executing", category="Function.a", event=event))
    host.emit(line("said by the function", category="Function.a"))
    [started] = records(journal)
    assert started["kind"] == "invocation_started"
    assert started["attributes"] == {"function.name": "a", "function.invocation_id": "1"}


def test_a_call_is_told_the_same_with_a_record_and_without(trace: str) -> None:
    event = {"kind": "invocation_started", "function": "a", "invocation_id": "1"}
    made = line("Executing", category="Function.a", event=event)
    with_record, without = Journal(), Journal()
    HostEvents(with_record).emit(made)
    HostEvents(without).take_call(logging.WARNING, "Executing", "Function.a", event, made.created)
    assert records(without) == records(with_record)
    assert [item["trace_id"] for item in records(without)] == [trace, trace]


def test_calls_during_the_start_are_told_after_it(host: HostEvents, journal: Journal) -> None:
    host.started()
    event = {"kind": "invocation_started", "function": "a", "invocation_id": "1"}
    host.take_call(logging.INFO, "Executing", "Function.a", event, 1.0)
    assert [item["kind"] for item in records(journal)] == ["start_initialization_started"]
    host.stepped(COMPLETED, {})
    assert [item["kind"] for item in records(journal)][-2:] == ["log", "invocation_started"]


def test_a_line_belongs_to_the_trace_in_which_it_is_said(
    host: HostEvents, journal: Journal, trace: str
) -> None:
    host.emit(line("hello", said_by=("a", "1")))
    [said] = records(journal)
    assert said["trace_id"] == trace
    assert said["attributes"] == {"function.name": "a", "function.invocation_id": "1"}


def test_an_exception_is_named(host: HostEvents, journal: Journal) -> None:
    made = line("broken")
    made.exc_info = (ValueError, ValueError("no"), None)
    host.emit(made)
    assert records(journal)[0]["exception"] == {
        "type": "ValueError",
        "message": "no",
        "stack": "ValueError: no\n",
    }


def test_the_initialization_precedes_the_first_line(host: HostEvents, journal: Journal) -> None:
    host.started()
    with Step(host.stepped, "read", "Read it", has_progress=True) as step:
        host.emit(line("said"))
        step.advance(1, 3, "one")
    host.stepped(COMPLETED, {})
    assert [item["kind"] for item in records(journal)] == [
        "start_initialization_started",
        "start_initialization_step_started",
        "start_initialization_progress",
        "start_initialization_step_completed",
        "start_initialization_completed",
        "host_state_changed",
        "log",
    ]


def test_what_is_said_while_a_start_fails_is_told_at_its_end(host: HostEvents, journal: Journal) -> None:
    host.started()
    host.emit(line("said"))
    host.failed("no settings")
    host.finish("host_failed")
    found = records(journal)
    assert [item["kind"] for item in found] == [
        "start_initialization_started",
        "log",
        "cli_diagnostic",
        "host_state_changed",
        "summary",
    ]
    assert (found[2]["code"], found[2]["level"], found[2]["message"]) == (
        "start_failed",
        "error",
        "no settings",
    )


def test_later_loadings_have_no_initialization(host: HostEvents, journal: Journal) -> None:
    host.started()
    host.stepped(COMPLETED, {})
    before = len(journal)
    with Step(host.stepped, "read", "Read it"):
        pass
    host.stepped(COMPLETED, {})
    assert len(journal) == before
