"""The Python that runs an app: that of the local runtime, of the app's .venv, or one that is named."""

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from signalr_local.host.interpreter import OWN, interpreter_of

FREE = ("--port", "0", "--emulator-port", "0")

APP = """
import azure.functions as func
import only_here
app = func.FunctionApp()

@app.route(route="place", methods=["GET"])
def place(req: func.HttpRequest) -> str:
    return only_here.__name__

import sys
print("runs in", sys.prefix)
try:
    import aiohttp
    print("aiohttp too")
except ImportError:
    print("nothing more")
"""


def packages(environment: Path) -> Path:
    [folder] = environment.glob("lib/python*/site-packages")
    return folder


def make_environment(folder: Path, *names: str) -> Path:
    """Make an environment that has the packages of these names of this one's, and only_here."""
    venv.create(folder, with_pip=False)
    own = packages(Path(sys.prefix))
    for name in names:
        target = packages(folder) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(own / name)
    (packages(folder) / "only_here.py").touch()
    return folder


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return an app that needs a package of its own."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "function_app.py").write_text(APP)
    (folder / "local.settings.json").write_text('{"IsEncrypted": false, "Values": {}}')
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Return an environment as apps have it: the app's packages, and nothing of the local runtime."""
    return make_environment(tmp_path / "environment", "azure/functions", "werkzeug", "markupsafe")


def test_app_runs_with_the_packages_of_its_own_environment_and_no_others(
    launch: Any, app: Path, environment: Path
) -> None:
    environment.rename(app / ".venv")
    runtime = launch("--app", str(app), *FREE)
    runtime.wait_for("The app runs with the packages of .*/app/.venv/bin/python")
    runtime.wait_for(f"runs in {app / '.venv'}")
    runtime.wait_for("nothing more")
    runtime.wait_for("Ctrl\\+C stops")
    assert runtime.stop() == 0


@pytest.mark.parametrize("name", ["", "bin/python"], ids=["folder", "interpreter"])
def test_environment_is_named(launch: Any, app: Path, environment: Path, name: str) -> None:
    runtime = launch("--app", str(app), "--python", str(environment / name), *FREE)
    runtime.wait_for(f"runs in {environment}")
    runtime.wait_for("Ctrl\\+C stops")
    assert runtime.stop() == 0


def test_missing_package_is_to_be_installed_where_the_app_runs(
    launch: Any, app: Path, environment: Path
) -> None:
    (packages(environment) / "only_here.py").unlink()
    (app / "requirements.txt").write_text("azure-functions\n./wheels/only_here.whl\n")
    runtime = launch("--app", str(app), "--python", str(environment), *FREE)
    runtime.wait_for(f"Run: cd {app} && {environment / 'bin' / 'python'} -m pip install -r")
    assert runtime.wait() == 1


def test_named_environment_that_cannot_run_apps_is_refused(launch: Any, app: Path, tmp_path: Path) -> None:
    make_environment(tmp_path / "empty")
    for place, problem in {
        tmp_path / "nowhere": "There is no Python at",
        tmp_path / "empty": "does not have the package azure-functions",
    }.items():
        runtime = launch("--app", str(app), "--python", str(place), *FREE)
        runtime.wait_for(problem)
        assert runtime.wait() == 1
        assert "Traceback" not in runtime.text


@pytest.fixture
def old_python(tmp_path: Path) -> Path:
    """Return an environment whose Python says that it is an old one."""
    folder = tmp_path / "old"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(
        '#!/bin/sh\necho \'{"version": [3, 11], "prefix": "/nowhere", "path": [], "missing": []}\'\n'
    )
    python.chmod(0o755)
    return folder


def test_own_environment_that_cannot_run_apps_is_left_aside_with_a_warning(
    app: Path, old_python: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old_python.rename(app / ".venv")
    assert interpreter_of(app) is OWN
    [warning] = [record.getMessage() for record in caplog.records]
    assert warning == (
        f"{app / '.venv' / 'bin' / 'python'} is Python 3.11, and functions run on 3.13 or newer. "
        f"The app runs with the packages of {sys.prefix} instead."
    )


def test_python_that_is_too_old_is_refused_if_it_is_named(app: Path, old_python: Path) -> None:
    with pytest.raises(ValueError, match=r"is Python 3\.11, and functions run on 3\.13 or newer"):
        interpreter_of(app, str(old_python))


def test_environment_that_was_moved_does_not_work(app: Path) -> None:
    place = app / ".venv" / "bin" / "python"
    place.parent.mkdir(parents=True)
    place.write_text("#!/no/such/interpreter\n")
    place.chmod(0o755)
    with pytest.raises(ValueError, match="does not work"):
        interpreter_of(app, str(place))


def test_environment_of_the_local_runtime_itself_is_its_own(app: Path) -> None:
    (app / ".venv").symlink_to(sys.prefix)
    assert interpreter_of(app) is OWN
    assert interpreter_of(app, sys.executable) is OWN


def test_app_without_an_environment_runs_in_this_one(app: Path) -> None:
    assert interpreter_of(app) is OWN


def test_doctor_loads_the_app_with_its_own_packages(app: Path, environment: Path) -> None:
    environment.rename(app / ".venv")
    done = subprocess.run(
        [sys.executable, "-m", "signalr_local", "doctor", "--app", str(app)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert "only_here" not in done.stdout, done.stdout
