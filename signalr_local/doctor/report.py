"""The doctor's findings as text for people, and as JSON for programs."""

import json
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from signalr_local.doctor.findings import Finding, State

__all__ = ["Format", "as_json", "section_text", "verdict"]


class Format(StrEnum):
    """A form in which findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


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


def _worst(findings: Sequence[Finding]) -> State:
    return max((item.state for item in findings), key=list(State).index)


def _indented(item: Finding) -> str:
    return "\n".join(f"  {line}" for line in str(item).splitlines())


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count != 1 else ''}"
