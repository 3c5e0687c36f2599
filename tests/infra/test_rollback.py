"""Going back to a package that was kept: the one that is meant, or none."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

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
            "basename",
            "cut",
            "sha256sum",
        ],
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "packages" / f"{SHA}.zip"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def test_a_package_named_by_its_checksum_is_deployed(cloud: Any, package: Path) -> None:
    run = cloud.run("rollback.sh", str(package))
    assert run.code == 0, run.output
    assert run.calls == [["azd", "deploy", "api", "--from-package", str(package), "--no-prompt"]]


def test_a_package_of_any_name_is_deployed_with_its_checksum(cloud: Any, package: Path) -> None:
    other = package.rename(package.with_name("app.zip"))
    run = cloud.run("rollback.sh", str(other), SHA)
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
            "is not a SHA-256",
        ),
        (lambda package: None, [], "usage: rollback.sh PACKAGE.zip [SHA256]"),
    ],
    ids=["damaged", "another", "missing", "without checksum", "no argument"],
)
def test_anything_else_is_refused(
    cloud: Any, package: Path, break_it: Any, arguments: list[str], told: str
) -> None:
    break_it(package)
    given = [word.format(package=package, folder=package.parent) for word in arguments]
    run = cloud.run("rollback.sh", *given)
    assert run.code == 1
    assert told in run.output
    assert run.calls == []


def test_without_azd_it_says_where_to_get_it(cloud: Any, package: Path) -> None:
    cloud.commands = ("az", "sleep")
    run = cloud.run("rollback.sh", str(package))
    assert run.code == 1
    assert "azd is missing: https://aka.ms/azd" in run.output


def test_packages_that_were_kept_are_neither_committed_nor_deployed() -> None:
    root = Path(__file__).parents[2]
    assert "/packages/" in (root / ".gitignore").read_text().splitlines()
