"""Reports: what people read, and what programs read."""

import json

import pytest

from signalr_local.doctor import report
from signalr_local.doctor.findings import Finding, State, fine, note, skipped, warning, wrong

FINE = fine("host-json.bundle", "host.json", "extension bundle 4")
NOTE = note("functions.azure-only", "function tick", "runs in Azure")
WARNING = warning("cors.service", "CORS", "differs", "make it equal")
WRONG = wrong("settings.given", "app settings", "there are none", "add them")
SKIPPED = skipped("roles.skipped", "roles", "give them")


def test_a_section_that_is_fine_is_one_line() -> None:
    assert report.section_text("host.json", [FINE, FINE]) == "[ok] host.json: 2 checks"


def test_a_section_that_is_not_lists_what_is_not_fine() -> None:
    assert report.section_text("X", [FINE, WRONG, NOTE]) == (
        "X:\n  [error] app settings: there are none\n          Fix: add them\n"
        "  [note] function tick: runs in Azure"
    )


def test_verbose_lists_everything() -> None:
    assert "[ok] host.json: extension bundle 4" in report.section_text("X", [FINE], verbose=True)


def test_steps_of_the_round_trip_are_always_listed() -> None:
    step = fine("round-trip.connect", "connect", "12 ms, open", 12.0)
    assert "12 ms, open" in report.section_text("Round trip", [step])


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ([FINE, NOTE], "No problems found."),
        ([FINE, SKIPPED], "No problems found. 1 check skipped."),
        ([WRONG, WRONG, WARNING], "2 errors, 1 warning found."),
        ([WARNING, SKIPPED, SKIPPED], "1 warning found. 2 checks skipped."),
    ],
)
def test_the_verdict_counts(findings: list[Finding], verdict: str) -> None:
    assert report.verdict(findings) == verdict


def test_json_has_every_finding() -> None:
    content = json.loads(report.as_json([FINE, WRONG]))
    assert content["schemaVersion"] == 1
    assert content["summary"] == {"ok": 1, "note": 0, "skipped": 0, "warning": 0, "error": 1}
    assert content["findings"][1] == {
        "state": "error",
        "rule": "settings.given",
        "section": "App settings",
        "subject": "app settings",
        "seen": "there are none",
        "fix": "add them",
        "milliseconds": None,
    }


def test_states_go_from_good_to_bad() -> None:
    assert list(State) == [State.FINE, State.NOTE, State.SKIPPED, State.WARNING, State.WRONG]
