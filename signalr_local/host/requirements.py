"""What an app's requirements.txt has to do with a module that was not found."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["missing_module_hint"]

_FILE = "requirements.txt"
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def missing_module_hint(app: Path, module: str) -> str:
    """Return what to do about a module that the app imports and that is not there; empty for a part of one.

    The packages of requirements.txt have to be installed where the local runtime runs.
    """
    if "." in module:
        return ""
    path = app / _FILE
    command = shlex.join([sys.executable, "-m", "pip", "install", "-r", str(path)])
    names = list(_names(path))
    missing = [name for name in names if not _is_installed(app, name)]
    named = next((name for name in names if _normal(name) == _normal(module)), None)
    if named is not None or missing:
        shown = named or ", ".join(missing)
        verb = "is" if named or len(missing) == 1 else "are"
        return f"{shown} {verb} in {path}, but not installed here. Run: {command}"
    return f"If {module} is a package, add it to {path} and run: {command}"


def _names(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError):
        return
    for line in lines:
        # What a marker excludes on this machine need not be installed.
        if (found := _NAME.match(line)) and ";" not in line:
            yield found[1]


def _is_installed(app: Path, name: str) -> bool:
    import importlib.metadata

    packages = str(app / ".python_packages" / "lib" / "site-packages")
    return any(importlib.metadata.distributions(name=name, path=[packages, *sys.path]))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
