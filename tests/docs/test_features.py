"""The feature table keeps to the facts: each row of ours has a test, and each test that it names is there."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEATURES = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")

COLUMNS = ["feature", "C# bindings", "C# hub", "JavaScript", "Java", "serverless_signalr", "test"]


@dataclass(frozen=True)
class Row:
    """Hold a row: the feature, what the others have, what we have, and the tests of ours."""

    feature: str
    others: list[str]
    ours: str
    tests: list[str]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows() -> Iterator[Row]:
    for line in FEATURES.splitlines():
        if line.startswith("| ") and cells(line) != COLUMNS:
            feature, *others, ours, tests = cells(line)
            yield Row(feature, others, ours, re.findall(r"`([^`]+::[^`]+)`", tests))


ROWS = list(rows())


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_table_has_the_same_columns() -> None:
    headers = [line for line in FEATURES.splitlines() if line.startswith("| feature ")]
    assert [cells(line) for line in headers] == [COLUMNS] * len(
        re.findall(r"^\|[-|]+\|$", FEATURES, re.MULTILINE)
    )
    assert all(len(row.others) == 4 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row.feature for row in ROWS])
def test_feature_of_ours_names_its_tests(row: Row) -> None:
    assert bool(row.tests) is not row.ours.startswith("no")


@pytest.mark.parametrize("name", sorted({name for row in ROWS for name in row.tests}))
def test_named_test_exists(name: str) -> None:
    path, _, function = name.partition("::")
    assert function in functions_of(path)


def test_what_is_only_here_is_in_the_table() -> None:
    _, _, end = FEATURES.partition("## Only here")
    features = [row.feature for row in ROWS]
    named = re.findall(r"^- (.*)$", end, re.MULTILINE)
    assert named
    assert [name for name in named if name not in features] == []
