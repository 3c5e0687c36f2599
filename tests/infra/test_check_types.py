"""The check against Azure's resource types: where there are types, and where there are none."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with nothing but the script."""
    scripts = tmp_path / "project" / "infra" / "scripts"
    scripts.mkdir(parents=True)
    shutil.copy(ROOT / "infra" / "scripts" / "check-types.sh", scripts)
    python = tmp_path / "project" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return tmp_path / "project"


def check(project: Path) -> subprocess.CompletedProcess[str]:
    script = project / "infra" / "scripts" / "check-types.sh"
    return subprocess.run([str(script)], capture_output=True, text=True, check=False)


def checker_says(project: Path, text: str, code: int) -> None:
    shared = project.parent / "shared"
    (shared / "data" / "bicep-types").mkdir(parents=True)
    (shared / "tools").mkdir()
    (shared / "tools" / "bicep_schema_check.py").write_text(
        f"import sys\nprint({text!r})\nsys.exit({code})\n"
    )


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
        ("a.bicep: x: no types for microsoft.network/virtualnetworks@2024-05-01\n0 resources checked", 0, 0),
    ],
    ids=["right", "problem", "not parsed", "misspelt type", "type without data"],
)
def test_a_problem_or_an_unknown_type_fails(project: Path, text: str, code: int, expected: int) -> None:
    checker_says(project, text, code)
    assert check(project).returncode == expected
