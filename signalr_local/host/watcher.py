"""Changes of an app's files, as they happen."""

import os
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

from watchfiles import Change, awatch

from signalr_local.host.configuration import HOST_JSON
from signalr_local.host.settings import LOCAL_SETTINGS

__all__ = ["changes", "is_of_app"]

_FILES = frozenset({HOST_JSON, LOCAL_SETTINGS})
_IGNORED = frozenset({"__pycache__", "node_modules", "venv", "build", "dist"})


async def changes(app: Path) -> AsyncGenerator[list[Path]]:
    """Yield the files that matter to an app as they change: Python modules and its settings.

    Folders that hold no code of the app, such as virtual environments, are not watched.
    """
    while True:
        try:
            async for batch in awatch(
                *_folders(app), watch_filter=None, recursive=False, debounce=400, step=50
            ):
                folders = [Path(path) for change, path in batch if _is_folder(change, Path(path))]
                paths = {Path(path) for _, path in batch} | _modules(folders)
                found = sorted(path for path in paths if is_of_app(app, path))
                if found:
                    yield found
                if folders:
                    break
            else:
                return
        except FileNotFoundError:
            continue  # a folder vanished before it was watched


def is_of_app(app: Path, path: Path) -> bool:
    """Tell whether a file is one that the app is loaded from."""
    if path.parent == app and path.name in _FILES:
        return True
    return path.suffix == ".py" and not any(_is_ignored(part) for part in path.relative_to(app).parts)


def _is_folder(change: Change, path: Path) -> bool:
    if _is_ignored(path.name):
        return False
    return path.is_dir() if change is Change.added else change is Change.deleted and not path.suffix


def _modules(folders: Iterable[Path]) -> set[Path]:
    """Return what new folders held before they were watched."""
    parts = (part for folder in folders if not _is_environment(folder) for part in _folders(folder))
    return {module for part in parts for module in Path(part).glob("*.py")}


def _is_ignored(name: str) -> bool:
    return name in _IGNORED or name.startswith(".")


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()


def _folders(app: Path) -> list[str]:
    found: list[str] = []
    for folder, names, _ in os.walk(app):
        names[:] = [
            name for name in names if not _is_ignored(name) and not _is_environment(Path(folder, name))
        ]
        found.append(folder)
    return found
