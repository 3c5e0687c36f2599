"""Events as JSON, one record a line."""

import io
import json
import os

import pytest

from signalr_local.inspector.events import HostEvent
from signalr_local.inspector.journal import Journal
from signalr_local.json_output import JsonOutput


def test_every_event_is_a_line_as_it_happens() -> None:
    journal, stream = Journal(), io.StringIO()
    JsonOutput(stream, journal)
    journal.add(HostEvent("function_removed", {"name": "half \ud83d, two\nlines"}))
    [line] = stream.getvalue().splitlines()
    record = json.loads(line)
    assert (record["schema_version"], record["kind"]) == (1, "function_removed")
    assert record["name"] == "half \ud83d, two\nlines"
    assert record["timestamp"].endswith("Z")


def test_it_holds_no_secret() -> None:
    journal, stream = Journal(), io.StringIO()
    journal.known = lambda: ["planted-secret"]
    JsonOutput(stream, journal)
    journal.add(HostEvent("function_removed", {"name": "planted-secret"}))
    assert "planted" not in stream.getvalue()


def test_a_reader_that_leaves_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    journal = Journal()
    with open(writing, "w", encoding="utf-8") as stream:
        output = JsonOutput(stream, journal)
        journal.add(HostEvent("summary", {}))
        assert output.is_closed
    assert capsys.readouterr().err == ""


def test_a_full_disk_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal()
    with open("/dev/full", "w", encoding="utf-8") as stream:
        JsonOutput(stream, journal)
        for _ in range(2):
            journal.add(HostEvent("summary", {}))
    said = "/dev/full cannot be written any more: No space left on device."
    assert capsys.readouterr().err == f"{said} The local runtime goes on without it.\n"
