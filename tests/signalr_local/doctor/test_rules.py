"""The rules: each is used, on the page, and has a row in a table of faults whose fix is followed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from signalr_local.doctor import command
from signalr_local.doctor.rules import RULES, SECTIONS
from tests.signalr_local.doctor import (
    azure_faults,
    test_files_of_azure,
    test_local_faults,
    test_planted_faults,
)

DOCTOR = Path(command.__file__).parent
PAGE = DOCTOR.parents[1] / "docs" / "doctor.md"
PROBLEMS = {"warning", "wrong", "_StepError"}
FINDINGS = PROBLEMS | {"fine", "note", "skipped"}

ROWS = {
    fault.rule
    for table in (test_local_faults.FAULTS, azure_faults.FAULTS, test_planted_faults.FAULTS)
    for fault in table.values()
}

ALONE = {"connections.secret": test_files_of_azure.test_a_local_secret_that_may_not_be_read_needs_a_sign_in}
"""Rules whose fix is followed by a test of its own."""

OF_A_VARIABLE = {
    "warning:rule": {f"{section}.unreadable" for section in ("app", "cors", "roles", "service")},
    "wrong:f'round-trip.{error.rule}'": set(),
    "wrong:f'round-trip.{self.name}'": {
        f"round-trip.{step}" for step in ("negotiate", "service", "connect", "connected", "call")
    },
    "fine:f'round-trip.{self.name}'": set(),
}
"""The rules that a call with a variable may make; an f-string with the rule of another call adds none."""


def calls(*names: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield the function and the rule of every call in the doctor that makes a finding."""
    for path in sorted(DOCTOR.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield node.func.id, node.args[0]


def rules_of(names: set[str]) -> set[str]:
    """Return the rules of all calls of functions that make findings."""
    found: set[str] = set()
    for function, rule in calls(*names):
        if isinstance(rule, ast.Constant):
            name = str(rule.value)
            found.add(f"round-trip.{name}" if function == "_StepError" else name)
        else:
            # Whoever adds a call with a variable says here what it may be.
            found |= OF_A_VARIABLE[f"{function}:{ast.unparse(rule)}"]
    return found


def test_every_rule_is_used_and_has_a_section() -> None:
    assert rules_of(FINDINGS) == set(RULES)
    assert {rule.partition(".")[0] for rule in RULES} == set(SECTIONS)


def test_every_rule_that_needs_a_fix_has_a_row_in_a_table_that_follows_it() -> None:
    assert rules_of(PROBLEMS) - {*ROWS, *ALONE} == set()


def test_the_page_lists_every_rule_with_what_it_finds() -> None:
    rows = dict(re.findall(r"^\| `([a-z.-]+)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE))
    shown = {rule: re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text) for rule, text in rows.items()}
    assert shown == dict(RULES)
    assert list(shown) == list(RULES)
