"""Going back to a package that was kept: the one that is meant, or none."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.scripts.rollback import main

CONTENT = b"a package"
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def more_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.infra.conftest.TOOLS",
        [
            "cat",
            "date",
            "dirname",
            "env",
            "grep",
            "mktemp",
            "rm",
            "sh",
            "sleep",
            "python3",
        ],
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "packages" / f"{SHA}.zip"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the script work on an empty project."""
    monkeypatch.setattr("infra.scripts.rollback.ROOT", tmp_path)
    monkeypatch.setattr("infra.scripts.rollback.BUILT", tmp_path / "build" / "app.zip")
    monkeypatch.setattr("infra.scripts.rollback.KEPT", tmp_path / "packages")
    return tmp_path


def rollback(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the script in this process."""
    monkeypatch.setattr(sys, "argv", ["rollback.py", *arguments])
    return main()


def test_a_package_named_by_its_checksum_is_deployed(cloud: Any, package: Path) -> None:
    run = cloud.run("rollback.py", str(package))
    assert run.code == 0, run.output
    assert run.calls == [["azd", "deploy", "api", "--from-package", str(package), "--no-prompt"]]


def test_a_package_of_any_name_is_deployed_with_its_checksum(cloud: Any, package: Path) -> None:
    other = package.rename(package.with_name("app.zip"))
    run = cloud.run("rollback.py", str(other), SHA)
    assert run.calls == [["azd", "deploy", "api", "--from-package", str(other), "--no-prompt"]]


@pytest.mark.parametrize(
    ("break_it", "arguments", "told"),
    [
        (lambda package: package.write_bytes(b"another"), ["{package}"], "it is another package, or damaged"),
        (lambda package: None, ["{package}", "0" * 64], f"has the checksum {SHA}, expected {'0' * 64}"),
        (lambda package: package.unlink(), ["{package}"], "There is no file"),
        (
            lambda package: package.rename(package.with_name("app.zip")),
            ["{folder}/app.zip"],
            "app is not a SHA-256",
        ),
    ],
    ids=["damaged", "another", "missing", "without checksum"],
)
def test_anything_else_is_refused(
    cloud: Any, package: Path, break_it: Any, arguments: list[str], told: str
) -> None:
    break_it(package)
    given = [word.format(package=package, folder=package.parent) for word in arguments]
    run = cloud.run("rollback.py", *given)
    assert run.code == 1
    assert told in run.output
    assert run.calls == []


def test_what_is_built_is_kept_and_listed_the_newest_first(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rollback(monkeypatch) == 1
    assert "No package was kept." in capsys.readouterr().err
    assert rollback(monkeypatch, "--keep") == 1
    assert "There is no build/app.zip. Run: make package" in capsys.readouterr().err
    (project / "build").mkdir()
    names = []
    for number, content in enumerate((CONTENT, b"another")):
        (project / "build" / "app.zip").write_bytes(content)
        assert rollback(monkeypatch, "--keep") == 0
        names.append(capsys.readouterr().out.strip())
        os.utime(project / names[-1], (number, number))
    assert names[0] == str(Path("packages") / f"{SHA}.zip")
    assert rollback(monkeypatch) == 0
    shown = [line.split("UTC")[-1].strip() for line in capsys.readouterr().out.splitlines()]
    assert shown[:2] == names[::-1]


def test_without_azd_it_says_where_to_get_it(cloud: Any, package: Path) -> None:
    cloud.commands = ("az", "sleep")
    run = cloud.run("rollback.py", str(package))
    assert run.code == 1
    assert "azd is missing: https://aka.ms/azd" in run.output


def test_packages_that_were_kept_are_neither_committed_nor_deployed() -> None:
    root = Path(__file__).parents[2]
    assert "/packages/" in (root / ".gitignore").read_text().splitlines()
