"""What an import costs: the start of a function app is time that its users wait."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LATE = {"aiohttp", "azure.core", "azure.identity", "azure.keyvault", "jwt", "msgpack", "msgspec"}
"""Packages that the call which first needs them imports."""


def imported_by(module: str) -> set[str]:
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules, sep='\\n')"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(shown.stdout.split())


@pytest.mark.parametrize("module", ["serverless_signalr", "function_app"])
def test_import_leaves_the_rest_to_the_call_that_needs_it(module: str) -> None:
    assert imported_by(module) & LATE == set()


@pytest.mark.parametrize("module", ["serverless_signalr", "function_app"])
def test_deployed_code_does_not_need_the_local_runtime(module: str) -> None:
    assert not {name for name in imported_by(module) if name.partition(".")[0] == "signalr_local"}


@pytest.mark.parametrize(
    ("folder", "others"),
    [
        ("serverless_signalr", {"blueprints", "function_app", "signalr_local"}),
        ("blueprints", {"function_app", "signalr_local"}),
        ("signalr_local", {"blueprints", "function_app"}),
    ],
)
def test_code_knows_only_what_is_below_it(folder: str, others: set[str]) -> None:
    named = {
        (path.name, name.partition(".")[0])
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_names(node)
    }
    assert not {(file, name) for file, name in named if name in others}


def imported_names(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(level=0, module=str(module)):
            return [module]
        case _:
            return []
