"""Events as JSON, one record a line."""

import io
import json

from signalr_local.inspector.events import HostEvent
from signalr_local.inspector.journal import Journal
from signalr_local.json_output import JsonOutput


def test_every_event_is_a_line_as_it_happens() -> None:
    journal, stream = Journal(), io.StringIO()
    JsonOutput(stream, journal)
    journal.add(HostEvent(name="function_removed", fields={"name": "half \ud83d, two\nlines"}))
    [line] = stream.getvalue().splitlines()
    record = json.loads(line)
    assert (record["schema_version"], record["kind"]) == (1, "function_removed")
    assert record["name"] == "half \ud83d, two\nlines"
    assert record["timestamp"].endswith("Z")


def test_it_holds_no_secret() -> None:
    journal, stream = Journal(), io.StringIO()
    journal.known = lambda: ["planted-secret"]
    JsonOutput(stream, journal)
    journal.add(HostEvent(name="function_removed", fields={"name": "planted-secret"}))
    assert "planted" not in stream.getvalue()


def test_a_reader_that_leaves_is_no_fault() -> None:
    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    journal = Journal()
    output = JsonOutput(Closed(), journal)
    journal.add(HostEvent(name="summary", fields={}))
    assert output.is_closed
