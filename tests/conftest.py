"""What all tests share: the app as a user has it, and processes of the local runtime."""

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Found by itself where the local runtime was installed after it got the plugin; here in any case.
pytest_plugins = ["signalr_local.pytest_plugin", "tests.new_apps"]

PATIENCE = 60.0
"""Seconds after which something that should have happened has not; far more than a slow machine needs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what chooses how long tests may take."""
    parser.addoption(
        "--full",
        action="store_true",
        help="run fuzzing, cuts and memory tests at their full size, which takes minutes",
    )
    parser.addoption(
        "--soak",
        type=int,
        metavar="N",
        help="run each test N times, to find those that fail now and then",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat tests for --soak."""
    times: int | None = metafunc.config.getoption("soak")
    if times is not None:
        metafunc.fixturenames.append("soak")
        metafunc.parametrize("soak", range(times), ids=lambda number: f"soak{number}")


def without_make() -> dict[str, str]:
    """Return the environment without what make adds."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS")}


@dataclass
class LocalProcess:
    """Run ``python -m signalr_local`` and read what it prints."""

    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)
    _lines: queue.Queue[str | None] = field(default_factory=queue.Queue)

    @classmethod
    def start(
        cls,
        *arguments: str,
        environment: Mapping[str, str],
        python: Path | str = sys.executable,
        folder: Path = ROOT,
    ) -> "LocalProcess":
        process = subprocess.Popen(
            [str(python), "-m", "signalr_local", *arguments],
            cwd=folder,
            # The words that are printed are those for the command, also where make runs the tests.
            env=without_make() | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        started = cls(process)
        threading.Thread(target=started._read, daemon=True).start()
        return started

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first match in what is printed from now on."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"{pattern!r} was not printed:\n{self.text}") from None
            if line is None:
                raise AssertionError(f"the runtime ended before it printed {pattern!r}:\n{self.text}")
            if found := re.search(pattern, line):
                return found

    def wait(self) -> int:
        """Return the exit code, all output being read."""
        code = self.process.wait(PATIENCE)
        while self._lines.get(timeout=PATIENCE) is not None:
            pass
        return code

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end and return the exit code."""
        self.process.send_signal(number)
        return self.wait()

    @property
    def text(self) -> str:
        """Return all that was printed."""
        return "".join(self.output)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.output.append(line)
                self._lines.put(line)
        self._lines.put(None)


type Launch = Callable[..., LocalProcess]


@pytest.fixture(scope="session")
def launch() -> Iterator[Launch]:
    """Start processes of the local runtime, and end those that a test leaves behind."""
    started: list[LocalProcess] = []

    def start(*arguments: str, environment: Mapping[str, str] | None = None, **more: Path) -> LocalProcess:
        process = LocalProcess.start(*arguments, environment=environment or {}, **more)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.process.poll() is None:
            process.stop()


@pytest.fixture(scope="session")
def app_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the app with the settings of its example, as ``make run`` makes them."""
    folder = tmp_path_factory.mktemp("app")
    for name in ("function_app.py", "host.json"):
        shutil.copy(ROOT / name, folder)
    shutil.copy(ROOT / "local.settings.json.example", folder / "local.settings.json")
    for name in ("blueprints", "serverless_signalr"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    page = ROOT / "web" / "dist" / "index.html"
    assert page.exists(), "the page is not built: run make test, or npm ci && npm run build in web/"
    (folder / "web" / "dist").mkdir(parents=True)
    shutil.copy(page, folder / "web" / "dist")
    return folder


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project as it would be cloned, with the page."""
    folder = tmp_path_factory.mktemp("clone") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in {*listed.stdout.split("\0"), "web/dist/index.html"} - {""}:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def built(project: Path) -> tuple[Path, str]:
    """Build what is deployed, once for all tests; return the zip and what was printed."""
    done = subprocess.run(
        [sys.executable, str(project / "infra" / "scripts" / "package.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"the package could not be built, is PyPI within reach?\n{done.stderr}"
    return project / "build" / "app.zip", done.stdout


@pytest.fixture(scope="session")
def package_folder(built: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack what is deployed into an empty folder, with the settings of the example beside it."""
    folder = tmp_path_factory.mktemp("package")
    with zipfile.ZipFile(built[0]) as archive:
        archive.extractall(folder)
    shutil.copy(ROOT / "local.settings.json.example", folder / "local.settings.json")
    return folder
