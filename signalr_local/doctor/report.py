"""The doctor's findings as text for people, and as JSON and SARIF for programs.

Source of the latter: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any

from signalr_local.doctor.findings import Finding, State

__all__ = ["Format", "as_json", "as_sarif", "section_text", "sections", "verdict"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_DOCUMENTATION = "docs/doctor.md"
_LEVELS = {State.WRONG: "error", State.WARNING: "warning", State.NOTE: "note", State.SKIPPED: "note"}
_FILES = {"host.json": "host.json", "local.settings.json": "local.settings.json"}
_CODE = "function_app.py"


class Format(StrEnum):
    """A form in which findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def sections(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """Return consecutive findings of the same section together, with the section's title."""
    return [(title, list(group)) for title, group in groupby(findings, key=lambda item: item.section)]


def section_text(title: str, findings: Sequence[Finding], *, verbose: bool = False) -> str:
    """Return the text of a section: one line if all is well, else the findings that are not."""
    if verbose:
        shown = list(findings)
    else:
        shown = [item for item in findings if item.state is not State.FINE or item.milliseconds is not None]
    worst = _worst(findings)
    checks = f"{len(findings)} check{'s' if len(findings) != 1 else ''}"
    head = f"[{State.FINE}] {title}: {checks}" if worst is State.FINE else f"{title}:"
    return "\n".join([head, *(_indented(item) for item in shown)])


def verdict(findings: Sequence[Finding]) -> str:
    """Return the last line of the report, which says whether anything needs to be done."""
    count = Counter(item.state for item in findings)
    skipped = f" {_plural(count[State.SKIPPED], 'check')} skipped." if count[State.SKIPPED] else ""
    if not count[State.WRONG] and not count[State.WARNING]:
        return f"No problems found.{skipped}"
    named = [
        _plural(count[state], word)
        for state, word in ((State.WRONG, "error"), (State.WARNING, "warning"))
        if count[state]
    ]
    return f"{', '.join(named)} found.{skipped}"


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON object."""
    count = Counter(item.state for item in findings)
    return json.dumps(
        {
            "schemaVersion": 1,
            "verdict": verdict(findings),
            "summary": {state.value: count[state] for state in State},
            "findings": [
                {
                    "state": item.state.value,
                    "rule": item.rule,
                    "section": item.section,
                    "subject": item.subject,
                    "seen": item.seen,
                    "fix": item.fix or None,
                    "milliseconds": None if item.milliseconds is None else round(item.milliseconds, 1),
                }
                for item in findings
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def as_sarif(findings: Sequence[Finding], version: str) -> str:
    """Return all findings but the good ones as a SARIF log, for code scanning."""
    shown = [item for item in findings if item.state is not State.FINE]
    rules = list(dict.fromkeys(item.rule for item in shown))
    driver = {
        "name": "signalr-local doctor",
        "version": version,
        "rules": [{"id": rule, "help": {"text": f"See {_DOCUMENTATION}."}} for rule in rules],
    }
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(item, rules) for item in shown]}],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _result(item: Finding, rules: list[str]) -> dict[str, Any]:
    text = f"{item.subject}: {item.seen}"
    return {
        "ruleId": item.rule,
        "ruleIndex": rules.index(item.rule),
        "level": _LEVELS[item.state],
        "message": {"text": f"{text}. Fix: {item.fix}" if item.fix else text},
        # Code scanning shows only results that have a place.
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _FILES.get(item.subject, _CODE)}}}],
    }


def _worst(findings: Sequence[Finding]) -> State:
    return max((item.state for item in findings), key=list(State).index)


def _indented(item: Finding) -> str:
    return "\n".join(f"  {line}" for line in str(item).splitlines())


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count != 1 else ''}"
