"""The recorded outcomes of Microsoft's host and extension, and where this project's host differs on purpose.

``data/README.md`` says how the outcomes were recorded and what the members of a case mean.
"""

import json
from pathlib import Path
from typing import Any

import pytest

__all__ = ["DATA", "GROUPS", "Case", "check", "load", "parameters"]

DATA = Path(__file__).parent / "data"

type Case = dict[str, Any]


GROUPS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "differences.json").read_text(encoding="utf-8")
)
"""What differs on purpose, by a name: ``why``, the ids of the ``cases``, and for cases of class must what
``overrules`` the recording."""

_GROUP_OF = {case: name for name, group in GROUPS.items() for case in group["cases"]}


def load(name: str) -> list[Case]:
    """Return the cases of a file such as ``host/http``."""
    text = (DATA / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def parameters(cases: list[Case]) -> list[Any]:
    """Return cases as the parameters of a test, under their ids."""
    return [pytest.param(case, id=case["id"]) for case in cases]


def check(case: Case, found: list[str]) -> None:
    """Fail for a difference that is not listed, and for a listed one that is none."""
    if case["id"] in _GROUP_OF:
        group = GROUPS[_GROUP_OF[case["id"]]]
        assert case["class"] == "choice" or "overrules" in group, "the data does not leave this open"
        assert found, f"{case['id']} is the same as on the real host: take it out of differences.json"
    else:
        assert not found, "\n".join([case["about"], *found])
