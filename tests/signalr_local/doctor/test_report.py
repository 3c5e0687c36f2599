"""Reports: what people read, and what programs read."""

import json
import re
from pathlib import Path

import pytest

from signalr_local.doctor import report
from signalr_local.doctor.findings import SECTIONS, Finding, State, fine, note, skipped, warning, wrong

DOCTOR = Path(__file__).parents[3] / "signalr_local" / "doctor"

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


def test_sarif_has_all_findings_but_the_good_ones() -> None:
    log = json.loads(report.as_sarif([FINE, WRONG, WARNING, NOTE], "1.2"))
    [run] = log["runs"]
    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["version"] == "1.2"
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [(item["ruleId"], item["level"]) for item in run["results"]] == [
        ("settings.given", "error"),
        ("cors.service", "warning"),
        ("functions.azure-only", "note"),
    ]
    assert [ids[item["ruleIndex"]] for item in run["results"]] == [item["ruleId"] for item in run["results"]]
    assert run["results"][0]["message"]["text"] == "app settings: there are none. Fix: add them"
    assert all(item["locations"] for item in run["results"])


def rules() -> set[str]:
    """Return the rules of errors and warnings that the sources name."""
    text = "".join(path.read_text() for path in DOCTOR.glob("*.py"))
    named = set(re.findall(r'\b(?:wrong|warning)\(\s*"([a-z-]+\.[a-z-]+)"', text))
    steps = set(re.findall(r'_StepError\(\s*"([a-z]+)"', text))
    assert {name.partition(".")[0] for name in named} <= set(SECTIONS)
    return named | {f"round-trip.{step}" for step in steps}


def test_every_rule_that_needs_a_fix_has_a_test_that_follows_it() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    missing = {rule for rule in rules() if f'"{rule}"' not in tests}
    assert missing == set()


def test_every_rule_is_documented() -> None:
    text = (DOCTOR.parents[1] / "docs" / "doctor.md").read_text()
    assert {rule for rule in rules() if f"`{rule}`" not in text} == set()


def test_states_go_from_good_to_bad() -> None:
    assert list(State) == [State.FINE, State.NOTE, State.SKIPPED, State.WARNING, State.WRONG]
