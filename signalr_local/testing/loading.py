"""The app of a folder, imported into the process of a test."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signalr_local.host.failures import AppError

__all__ = ["load_app"]

_SCRIPT = "function_app.py"


def load_app(folder: Path) -> Any:
    """Import the app of a folder into this process. Raise AppError where there is none.

    Its modules are imported once in a process, under their own names: two apps that have modules of the same
    name need a worker each.
    """
    script = folder / _SCRIPT
    if not script.is_file():
        raise AppError(f"{folder} has no {_SCRIPT}")
    loaded: Any = sys.modules.get(script.stem)
    if loaded is None or Path(str(getattr(loaded, "__file__", ""))).resolve() != script:
        spec = importlib.util.spec_from_file_location(f"function_app_of_{abs(hash(script))}", script)
        assert spec is not None  # noqa: S101 - it is a Python file
        assert spec.loader is not None  # noqa: S101 - as above
        known = sys.modules.get(spec.name)
        if known is None:
            known = importlib.util.module_from_spec(spec)
            with _on_path(folder):
                spec.loader.exec_module(known)
            sys.modules[spec.name] = known
        loaded = known
    found = next(
        (
            value
            for value in vars(loaded).values()
            if type(value).__name__ in ("FunctionApp", "AsgiFunctionApp")
        ),
        None,
    )
    if found is None:
        raise AppError(f"{script} has no FunctionApp")
    return found


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
