"""Apps as ``signalr-local new`` makes them, and an environment that was installed from their requirements."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

STYLES = ("functions", "hub")

PACKAGES = Path(".python_packages", "lib", "site-packages")
EMULATOR = (
    "Endpoint=http://localhost;Port=8888;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;"
)


def run(*command: str | Path, folder: Path) -> str:
    """Run a command in a folder and return what it prints. Fail if it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
    return done.stdout


def make(folder: Path, *options: str, python: Path | str = sys.executable) -> Path:
    """Make an app in a new folder, away from the project, and return the folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    run(python, "-m", "signalr_local", "new", folder.name, *options, folder=folder.parent)
    return folder


@pytest.fixture(scope="session", params=STYLES)
def new_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a new app of each style. Tests do not write there."""
    folder = tmp_path_factory.mktemp("new") / "my-chat"
    return make(folder, "--style", request.param, "--azure", "--ci")


@pytest.fixture(scope="session")
def new_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with what the requirements files of a new app name."""
    app = make(tmp_path_factory.mktemp("environment") / "app")
    folder = app / ".venv"
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    # As in README.md of the app: from its folder, without anything of this project.
    run(*pip, "install", "--quiet", "-r", "requirements-dev.txt", folder=app)
    return python


@pytest.fixture(scope="session")
def deployed_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the packages of requirements.txt, as a build in Azure installs them."""
    app = make(tmp_path_factory.mktemp("deployed") / "app")
    run(
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
        *("--target", PACKAGES, "-r", "requirements.txt"),
        folder=app,
    )
    return app / PACKAGES


def copy_deployed(app: Path, packages: Path, folder: Path) -> Path:
    """Copy what is deployed of an app into a folder: what .funcignore leaves, and the packages."""
    # The tests of the library alone load this module too, and have no pathspec.
    from pathspec import GitIgnoreSpec

    ignored = GitIgnoreSpec.from_lines((app / ".funcignore").read_text(encoding="utf-8").splitlines())
    for path in app.rglob("*"):
        name = path.relative_to(app)
        if path.is_file() and not ignored.match_file(name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)
    shutil.copytree(packages, folder / PACKAGES, symlinks=True)
    return folder
