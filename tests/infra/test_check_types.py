"""The check against Azure's resource types: where there are types, where there are none, and our own."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TYPES = sorted((ROOT / "infra" / "types").glob("*.json"))

KINDS = {
    *("AnyType", "ArrayType", "BooleanType", "IntegerType", "ObjectType", "ResourceType"),
    *("StringLiteralType", "StringType", "UnionType"),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with nothing but the script and our types."""
    project = tmp_path / "project"
    scripts = project / "infra" / "scripts"
    scripts.mkdir(parents=True)
    shutil.copy(ROOT / "infra" / "scripts" / "check-types.sh", scripts)
    shutil.copytree(ROOT / "infra" / "types", project / "infra" / "types")
    python = project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "temporary").mkdir()
    return project


def check(project: Path) -> subprocess.CompletedProcess[str]:
    script = project / "infra" / "scripts" / "check-types.sh"
    environment = os.environ | {"TMPDIR": str(project.parent / "temporary")}
    return subprocess.run([str(script)], env=environment, capture_output=True, text=True, check=False)


def publish(project: Path, checker: str, name: str = "published.json") -> None:
    """Put a checker and one file of types beside the project."""
    shared = project.parent / "shared"
    (shared / "data" / "bicep-types").mkdir(parents=True)
    (shared / "data" / "bicep-types" / name).write_text("[]")
    (shared / "tools").mkdir()
    (shared / "tools" / "bicep_schema_check.py").write_text(checker)


def test_without_types_nothing_is_checked(project: Path) -> None:
    done = check(project)
    assert done.returncode == 0
    assert "nothing was checked" in done.stdout


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("2 resources checked, 0 problems", 0, 0),
        ("a.bicep: app: kindd: unknown property\n2 resources checked, 1 problems", 1, 1),
        ("a.bicep: cannot be parsed", 2, 2),
        ("a.bicep: x: no types for microsoft.web/sitess@2024-04-01\n0 resources checked", 0, 1),
    ],
    ids=["right", "problem", "not parsed", "type without data"],
)
def test_a_problem_or_an_unknown_type_fails(project: Path, text: str, code: int, expected: int) -> None:
    publish(project, f"import sys\nprint({text!r})\nsys.exit({code})\n")
    done = check(project)
    assert done.returncode == expected
    assert done.stdout == f"{text}\n"


def test_published_types_and_ours_are_used_together_and_the_copy_is_removed(project: Path) -> None:
    publish(project, "import os, sys\nprint(*os.listdir(sys.argv[1]))\n")
    done = check(project)
    assert sorted(done.stdout.split()) == sorted(["published.json", *(file.name for file in TYPES)])
    assert list((project.parent / "temporary").iterdir()) == []


def test_published_types_replace_ours_of_the_same_name(project: Path) -> None:
    name = TYPES[0].name
    publish(project, f"import pathlib, sys\nprint(pathlib.Path(sys.argv[1], {name!r}).read_text())\n", name)
    assert check(project).stdout == "[]\n"


def references(value: Any) -> Iterator[str]:
    """Return what is referred to anywhere in an entry."""
    match value:
        case {"$ref": str(reference)}:
            yield reference
        case dict() | list():
            for inner in value.values() if isinstance(value, dict) else value:
                yield from references(inner)


@pytest.mark.parametrize("file", TYPES, ids=lambda file: file.stem)
def test_our_types_are_in_the_published_format(file: Path) -> None:
    table = json.loads(file.read_text())
    for entry in table:
        assert entry["$type"] in KINDS
        assert all(set(prop) == {"type", "flags"} for prop in entry.get("properties", {}).values())
        for reference in references(entry):
            assert re.fullmatch(r"#/\d+", reference)
            assert int(reference[2:]) < len(table)


def test_our_types_are_of_the_versions_that_the_bicep_files_use(trees: dict[str, Any]) -> None:
    entries = [entry for file in TYPES for entry in json.loads(file.read_text())]
    ours = {entry["name"] for entry in entries if entry["$type"] == "ResourceType"}
    without_version = {name.split("@")[0] for name in ours}
    resources = [resource for tree in trees.values() for resource in tree.get("resources", {}).values()]
    assert ours == {
        f"{resource['type']}@{resource['api_version']}"
        for resource in resources
        if resource["type"] in without_version
    }
