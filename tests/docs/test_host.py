"""docs/host.md keeps to the facts: its tests exist, its options are understood, differences are told."""

import argparse
import ast
import re
from functools import cache
from pathlib import Path

import pytest

from signalr_local.host_options import add_host_options
from tests.signalr_local.host.recorded.cases import GROUPS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "host.md").read_text(encoding="utf-8")


def rows() -> list[list[str]]:
    _, _, tables = TEXT.partition("## The same")
    lines = [line for line in tables.splitlines() if line.startswith("| ") and "| test |" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ROWS = rows()


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_row_has_all_its_cells_and_tests_that_exist(row: list[str]) -> None:
    assert len(row) in (2, 4)
    assert all(row)
    named = re.findall(r"`(tests/[^`]+)`", row[-1])
    assert named
    for name in named:
        path, _, function = name.partition("::")
        assert function in functions_of(path)


@pytest.mark.parametrize("group", GROUPS)
def test_every_difference_that_the_replay_expects_has_a_row(group: str) -> None:
    assert GROUPS[group]["why"] in [row[2] for row in ROWS if len(row) == 4]


def test_every_option_of_the_host_is_told() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_host_options(parser)
    known = {name for action in parser._actions for name in action.option_strings}
    told = set(re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", TEXT.partition("## Debugging")[0]))
    assert told <= known | {"-m", "--listen"}
    assert known - told <= {"--app", "--script-root", "--use-https"}
