"""Modules that are not found, and what requirements.txt has to do with it."""

import sys
from pathlib import Path

import pytest

from signalr_local.host.requirements import missing_module_hint


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text(
        "# the app's own\nazure-functions\nno-such-package[extra]>=1.0  # why\n-r other.txt\n"
        "none; python_version<'3'\n"
    )
    return tmp_path


def command(app: Path) -> str:
    return f"{sys.executable} -m pip install -r {app / 'requirements.txt'}"


def test_a_requirement_that_is_not_installed_is_named_with_the_command(app: Path) -> None:
    assert missing_module_hint(app, "no_such_package") == (
        f"no-such-package is in {app / 'requirements.txt'}, but not installed here. Run: {command(app)}"
    )


def test_a_package_may_have_another_name_than_its_module(app: Path) -> None:
    assert missing_module_hint(app, "nosuch").startswith("no-such-package is in ")


def test_a_module_that_no_requirement_brings_is_to_be_added(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("azure-functions\n")
    assert missing_module_hint(tmp_path, "nosuch") == (
        f"If nosuch is a package, add it to {tmp_path / 'requirements.txt'} and run: {command(tmp_path)}"
    )


def test_an_app_without_requirements_is_told_the_same(tmp_path: Path) -> None:
    assert missing_module_hint(tmp_path, "nosuch").startswith("If nosuch is a package, ")


def test_a_part_of_a_package_is_no_package(app: Path) -> None:
    assert missing_module_hint(app, "azure.functions.nosuch") == ""


def test_packages_of_the_app_itself_count(app: Path) -> None:
    info = app / ".python_packages" / "lib" / "site-packages" / "no_such_package-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: no-such-package\nVersion: 1.0\n")
    assert missing_module_hint(app, "other").startswith("If other is a package, ")
