"""What users import from ``serverless_signalr`` itself, and what that costs."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import serverless_signalr

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "serverless_signalr" / "__init__.py"


def shown_to_checkers() -> dict[str, str]:
    """Return each name that type checkers see, and the module that they see it come from."""
    return {
        alias.asname or alias.name: (node.module or "").removeprefix("serverless_signalr.")
        for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("serverless_signalr")
        for alias in node.names
    }


def test_type_checkers_see_the_names_that_are_loaded() -> None:
    assert shown_to_checkers() == serverless_signalr._HOMES


def test_every_name_is_exported() -> None:
    assert sorted(serverless_signalr.__all__) == sorted(serverless_signalr._HOMES)


@pytest.mark.parametrize("name", serverless_signalr.__all__)
def test_name_is_the_one_of_its_module(name: str) -> None:
    value = getattr(serverless_signalr, name)
    module = importlib.import_module(f"serverless_signalr.{serverless_signalr._HOMES[name]}")
    assert value is getattr(module, name)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'ServerlesHub'"):
        serverless_signalr.ServerlesHub  # noqa: B018


def test_names_are_offered_to_interactive_users() -> None:
    assert set(serverless_signalr.__all__) <= set(dir(serverless_signalr))


def test_import_loads_no_module_of_the_library() -> None:
    code = "import sys, serverless_signalr; print(*[name for name in sys.modules if '_signalr.' in name])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == ""


@pytest.mark.parametrize("folder", ["blueprints", "examples", "docs"])
def test_users_need_no_other_door(folder: str) -> None:
    inside = re.compile(
        # Tests have a door of their own.
        r"^\s*(from serverless_signalr\.(?!testing )|import serverless_signalr\.).*",
        re.MULTILINE,
    )
    files = [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.md")]
    assert files
    found = [
        (file.name, line[0]) for file in files for line in inside.finditer(file.read_text(encoding="utf-8"))
    ]
    assert found == []
