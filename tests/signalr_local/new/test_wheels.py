"""The wheels that a new app takes along, made from what is installed.

That they are those that are built is tested with the distributions: tests/serverless_signalr/test_wheel.py.
"""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from signalr_local.new.wheels import package_files, wheel


def test_sources_are_modules_and_data_and_nothing_that_lies_around(tmp_path: Path) -> None:
    kept = {
        *("__init__.py", "module.py", "py.typed", "new/__init__.py", "new/template/page/index.html"),
        *("new/template/dot-gitignore", "new/template/app/function_app.py"),
    }
    others = {
        *("pyproject.toml", "Dockerfile", "build/lib/package/__init__.py", "package.egg-info/PKG-INFO"),
        *("__pycache__/module.cpython-313.pyc", "new/template/.ruff_cache/x", "scripts/tool.py"),
        *("new/template/app/__pycache__/function_app.cpython-313.pyc",),
    }
    for name in kept | others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert {path.relative_to(tmp_path).as_posix() for path in package_files(tmp_path)} == kept


@pytest.mark.parametrize("name", ["serverless-signalr", "serverless-signalr-local"])
def test_wheel_is_one_that_pip_installs_as_it_is(name: str, tmp_path: Path) -> None:
    package = name.replace("-", "_").replace("serverless_signalr_local", "signalr_local")
    file, content = wheel(name, package)
    (tmp_path / file).write_bytes(content)
    target = tmp_path / "installed"
    options = ("--quiet", "--no-deps", "--no-index", "--no-compile", "--target", target)
    subprocess.run([sys.executable, "-m", "pip", "install", *options, tmp_path / file], check=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.namelist():
            if not member.endswith("RECORD"):
                assert (target / member).read_bytes() == archive.read(member)


def test_same_packages_give_the_same_bytes() -> None:
    assert wheel("serverless-signalr", "serverless_signalr") == wheel(
        "serverless-signalr", "serverless_signalr"
    )


def test_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(ValueError, match="the package no-such-package is not installed in"):
        wheel("no-such-package", "no_such_package")
