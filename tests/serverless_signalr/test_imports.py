"""What an import costs: the start of a function app is time that its users wait."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LATE = {
    "aiohttp",
    "azure.core",
    "azure.data",
    "azure.identity",
    "azure.keyvault",
    "jwt",
    "msgpack",
    "msgspec",
    "opentelemetry",
}
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


def test_start_without_an_http_upstream_leaves_the_service_to_the_first_call() -> None:
    needed_later = {"_connection", "_upstream", "connection", "rest", "protocol.messages", "protocol.bodies"}
    loaded = {name.removeprefix("serverless_signalr.") for name in imported_by("function_app")}
    assert loaded & needed_later == set()


@pytest.mark.parametrize("module", ["serverless_signalr", "function_app"])
def test_deployed_code_does_not_need_the_local_runtime(module: str) -> None:
    assert not {name for name in imported_by(module) if name.partition(".")[0] == "signalr_local"}


@pytest.mark.parametrize("module", ["serverless_signalr", "function_app", "serverless_signalr.hub"])
def test_tools_for_tests_are_no_part_of_a_start(module: str) -> None:
    assert not {
        name for name in imported_by(module) if name.startswith("serverless_signalr") and "testing" in name
    }


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
        # The files of new apps are data.
        if "template" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_names(node)
    }
    assert not {(file, name) for file, name in named if name in others}


FLOORS = (
    {"protocol", "errors", "_extras", "_invocation", "_telemetry"},
    {"_hosts", "_identity"},
    {"endpoint", "_models", "principal"},
    {"_rest"},
    {"rest"},
    {"_connection", "_functions"},
    {"connection"},
    {"_upstream", "_negotiation"},
    {"bindings"},
    {"_hub"},
    {"_answers"},
    {"answers", "hub", "health"},
    {"_testing"},
    {"testing"},
)
"""The library's rooms and public modules from the bottom up: each knows what is on the floors below it."""

LIBRARY = ROOT / "serverless_signalr"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_within_the_library() -> dict[str, set[str]]:
    """Return the modules that each module imports: at load, in a function, or for type checkers only."""
    modules = {module_of(path): path for path in LIBRARY.rglob("*.py")}
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        found[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("serverless_signalr"):
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    found[name].add(inner if inner in modules else str(node.module))
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def test_every_module_of_the_library_has_a_floor() -> None:
    rooms = {room(module) for module in imports_within_the_library() if module != "serverless_signalr"}
    assert rooms == set().union(*FLOORS)


def test_modules_of_the_library_know_only_what_is_on_floors_below() -> None:
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    wrong = [
        f"{module} imports {other}"
        for module, others in imports_within_the_library().items()
        for other in others
        # The door knows every module that it offers names of, and no module knows the door.
        if module != "serverless_signalr"
        and room(module) != room(other)
        and floor[room(other)] >= floor[room(module)]
    ]
    assert wrong == []


def test_modules_of_the_library_import_each_other_in_no_circle() -> None:
    # TopologicalSorter raises CycleError, which names the circle.
    assert list(graphlib.TopologicalSorter(imports_within_the_library()).static_order())


def imported_names(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(level=0, module=str(module)):
            return [module]
        case _:
            return []
