"""Each module of the library has tests of its own, at the same place in this folder."""

from pathlib import Path

TESTS = Path(__file__).parent
LIBRARY = TESTS.parents[1] / "serverless_signalr"

NAMES_ALONE = {"answers.py", "testing.py"}
"""Modules that only offer the names of others. test_door.py and the API reference go through these."""

OF_THE_LIBRARY = {"test_door.py", "test_imports.py", "test_mirror.py", "test_wheel.py"}
"""Tests of the library as a whole."""

MODULES = {path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.py") if path.name != "__init__.py"}
FILES = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}


def mirror_of(module: Path) -> Path:
    return module.with_name(f"test_{module.stem.lstrip('_')}.py")


def test_every_module_has_tests_of_its_own() -> None:
    assert {str(module) for module in MODULES if mirror_of(module) not in FILES} == NAMES_ALONE


def test_all_tests_belong_to_a_module() -> None:
    mirrored = {mirror_of(module) for module in MODULES}
    alone = {
        str(path)
        for path in FILES
        if not any(
            path.parent == each.parent and (path == each or path.stem.startswith(f"{each.stem}_"))
            for each in mirrored
        )
    }
    assert alone == OF_THE_LIBRARY


def test_modules_and_tests_are_short() -> None:
    long = {
        str(path): lines
        for folder, limit in ((LIBRARY, 300), (TESTS, 500))
        for path in folder.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > limit
    }
    assert long == {}
