"""New apps of both styles, away from this project, in an environment that their requirements make."""

import filecmp
from pathlib import Path

from tests.new_apps import make, run

WHEELS = "wheels"


def test_its_tests_pass(new_app: Path, new_environment: Path) -> None:
    assert " passed" in run(new_environment, "-m", "pytest", "-p", "no:cacheprovider", folder=new_app)


def test_its_types_are_right(new_app: Path, new_environment: Path, tmp_path: Path) -> None:
    cache = f"--cache-dir={tmp_path}"
    assert "Success: no issues" in run(new_environment, "-m", "mypy", cache, ".", folder=new_app)


def test_its_style_is_right(new_app: Path, new_environment: Path) -> None:
    run(new_environment, "-m", "ruff", "check", "--no-cache", folder=new_app)
    run(new_environment, "-m", "ruff", "format", "--check", "--no-cache", folder=new_app)


def test_app_made_with_installed_wheels_is_the_same(
    new_app: Path, new_environment: Path, tmp_path: Path
) -> None:
    style = "functions" if (new_app / "blueprints").is_dir() else "hub"
    again = make(tmp_path / "my-chat", "--style", style, "--azure", "--ci", python=new_environment)
    names = [str(path.relative_to(again)) for path in again.rglob("*") if path.is_file()]
    assert len([name for name in names if name.startswith(WHEELS)]) == 2
    same, different, missing = filecmp.cmpfiles(again, new_app, names, shallow=False)
    assert (sorted(same), different, missing) == (sorted(names), [], [])
