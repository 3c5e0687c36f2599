"""The Python that runs an app: that of the local runtime, or of an environment that the app has."""

import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from signalr_local.worker.paths import packages_of

__all__ = ["OWN", "Interpreter", "interpreter_of"]

_NAME = ".venv"
"""The folder in which editors, uv and Core Tools keep an app's environment."""

_OLDEST = (3, 13)
"""What Microsoft's worker library runs on."""

_PROBE = """
import json, sys
from importlib.util import find_spec

def has(name):
    try:
        return find_spec(name) is not None
    except ImportError:
        return False

# The packages that are deployed with the app come first in the worker as well.
sys.path[:0] = sys.argv[1:]
print(json.dumps({
    "version": sys.version_info[:2],
    "prefix": sys.prefix,
    "path": sys.path,
    "missing": [name for name in ("azure.functions", "azure_functions_runtime") if not has(name)],
}))
"""

_PATIENCE = 60.0

_log = logging.getLogger("signalr_local.host")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """``path`` is where it finds packages, empty for the Python that runs this.

    ``borrowed`` is where it gets the packages of the worker from if it does not have them.
    """

    executable: str
    path: tuple[str, ...] = ()
    borrowed: tuple[str, ...] = ()

    @property
    def packages(self) -> list[str]:
        """Return where it finds packages."""
        return list(self.path) or sys.path


OWN = Interpreter(sys.executable)
"""The Python that runs the local runtime."""


def interpreter_of(app: Path, named: str | None = None) -> Interpreter:
    """Return the Python for an app: the one that is named, that of its folder's .venv, or this one.

    ``named`` is a Python or the folder of an environment. Raise ValueError for one that cannot run apps. If
    the app's own cannot, a warning says why, and this one is used. Another than this one is logged.
    """
    interpreter = _chosen(app, named)
    if interpreter is not OWN:
        _log.info("The app runs with the packages of %s.", interpreter.executable)
    return interpreter


def _chosen(app: Path, named: str | None) -> Interpreter:
    packages = packages_of(str(app))
    if named is not None:
        executable = _executable(Path(named).absolute())
        if executable is None:
            raise ValueError(f"There is no Python at {named}. Name one, or the folder of an environment")
        return _examined(executable, packages)
    executable = _executable(app / _NAME)
    if executable is None:
        return OWN
    try:
        return _examined(executable, packages)
    except ValueError as error:
        _log.warning("%s. The app runs with the packages of %s instead.", error, sys.prefix)
        return OWN


def _executable(place: Path) -> str | None:
    """Return the Python of an environment, or the file itself."""
    if place.is_file():
        return str(place)
    inner = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return str(inner) if inner.is_file() else None


@cache
def _examined(executable: str, packages: str) -> Interpreter:
    command = [executable, "-P", "-c", _PROBE, packages]
    try:
        done = subprocess.run(  # noqa: S603 - the developer's own Python
            command, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise ValueError(f"The Python {executable} does not work: {_reason(error)}") from None
    if Path(found["prefix"]).resolve() == Path(sys.prefix).resolve():
        return OWN
    if tuple(found["version"]) < _OLDEST:
        shown, oldest = (".".join(map(str, version)) for version in (found["version"], _OLDEST))
        raise ValueError(f"{executable} is Python {shown}, and functions run on {oldest} or newer")
    if "azure.functions" in found["missing"]:
        raise ValueError(
            f"{executable} does not have the package azure-functions. Install the app's requirements: "
            f"{executable} -m pip install -r requirements.txt"
        )
    borrowed = (_worker_packages(),) if found["missing"] else ()
    return Interpreter(executable, tuple(found["path"]), borrowed)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        *_, last = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        return str(last).rstrip(".")
    return str(error).rstrip(".")


def _worker_packages() -> str:
    """Return the folder of the worker library here."""
    spec = find_spec("azure_functions_runtime")
    assert spec is not None  # noqa: S101 - the local runtime depends on it
    assert spec.origin is not None  # noqa: S101 - it is a package
    return str(Path(spec.origin).parents[1])
