"""The log as JSON, one record a line."""

import io
import json
import logging
from typing import Any

import pytest

from signalr_local.json_output import JsonOutput


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def output(stream: io.StringIO) -> JsonOutput:
    return JsonOutput(stream)


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def record(text: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("signalr_local.host", logging.WARNING, "", 0, "%s", (text,), None)
    vars(made).update(extra)
    return made


def test_every_record_has_schema_kind_and_time(output: JsonOutput, stream: io.StringIO) -> None:
    output.emit(record("half \ud83d, two\nlines"))
    output.finish("sigint")
    for item in records(stream):
        assert item["schema_version"] == 1
        assert item["timestamp"].endswith("Z")
    assert [item["kind"] for item in records(stream)] == [
        "start_initialization_started",
        "log",
        "host_state_changed",
        "summary",
    ]


def test_an_event_follows_the_line_that_carries_it(output: JsonOutput, stream: io.StringIO) -> None:
    event = {"kind": "invocation_completed", "function": "a", "invocation_id": "1", "result": "failed"}
    output.emit(record("Executed", category="Function.a", event=event))
    output.finish("sigint")
    _, line, ended, _, summary = records(stream)
    assert (line["category"], line["level"], line["message"]) == ("Function.a", "warning", "Executed")
    assert line["attributes"] == {"function.name": "a", "function.invocation_id": "1"}
    assert (ended["kind"], ended["result"]) == ("invocation_completed", "failed")
    assert summary["invocations"] == {"total": 1, "succeeded": 0, "failed": 1}
    assert (summary["errors"], summary["exit_reason"]) == (1, "sigint")


def test_a_reader_that_leaves_is_no_fault() -> None:
    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    output = JsonOutput(Closed())
    output.finish("sigint")
    assert output.level > logging.CRITICAL
