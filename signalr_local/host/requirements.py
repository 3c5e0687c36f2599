"""What an app's requirements.txt has to do with a module that was not found."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from signalr_local.host.interpreter import OWN, Interpreter

__all__ = ["missing_module_hint"]

_FILE = "requirements.txt"
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def missing_module_hint(app: Path, module: str, interpreter: Interpreter = OWN) -> str:
    """Return what to do about a module that the app imports and that is not there; empty for a part of one.

    The packages of requirements.txt have to be installed for the Python that runs the app.
    """
    if "." in module:
        return ""
    path = app / _FILE
    command = shlex.join([interpreter.executable, "-m", "pip", "install", "-r", str(path)])
    if _has_relative_paths(path):
        # pip takes them from the current folder.
        command = f"cd {shlex.quote(str(app))} && {command}"
    names = list(_names(path))
    missing = [name for name in names if not _is_installed(app, name, interpreter)]
    named = next((name for name in names if _normal(name) == _normal(module)), None)
    if named is not None or missing:
        shown = named or ", ".join(missing)
        verb = "is" if named or len(missing) == 1 else "are"
        return f"{shown} {verb} in {path}, but not installed here. Run: {command}"
    return f"If {module} is a package, add it to {path} and run: {command}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError):
        return []


def _has_relative_paths(path: Path) -> bool:
    return any(line.startswith(("./", "../", "-e .")) for line in _lines(path))


def _names(path: Path) -> Iterator[str]:
    for line in _lines(path):
        # What a marker excludes on this machine need not be installed.
        if (found := _NAME.match(line)) and ";" not in line:
            yield found[1]


def _is_installed(app: Path, name: str, interpreter: Interpreter) -> bool:
    import importlib.metadata

    packages = str(app / ".python_packages" / "lib" / "site-packages")
    return any(importlib.metadata.distributions(name=name, path=[packages, *interpreter.packages]))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
