"""Changes of an app's files, as they happen."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from pathlib import Path

from signalr_local.host.configuration import HOST_JSON
from signalr_local.host.settings import LOCAL_SETTINGS

__all__ = ["Watcher", "is_of_app"]

_FILES = frozenset({HOST_JSON, LOCAL_SETTINGS})
_IGNORED = frozenset({"__pycache__", "node_modules", "venv", "build", "dist"})
_TESTS = frozenset({"test", "tests"})
_ENVIRONMENT = "pyvenv.cfg"

_DEBOUNCE, _STEP, _TIMEOUT = 400, 50, 1_000
"""Milliseconds: how long changes are collected, how long they pause, after what the folders are checked."""

_POLL = 1.0
"""Seconds between two looks at the files where the system does not tell of changes."""

_log = logging.getLogger("signalr_local.host")

type _Stamp = tuple[int, int, int]
"""Inode, time of the last change and size: files with the same ones are taken for the same."""


class Watcher:
    """A watcher that reports which of an app's files were changed, added or removed.

    It compares the files with what they were before; the system only says when to compare. So it misses no
    change: not one that was made before the system watched, nor one in a new folder, nor a folder that takes
    the place of the app's. If the system cannot watch, it compares once a second.
    """

    def __init__(self, app: Path) -> None:
        self.app = app
        self._files = _files(app)

    async def changes(self) -> AsyncGenerator[list[Path]]:
        """Yield the files that have changed since the last time, or since this object was made."""
        is_watching = True
        while True:
            if is_watching:
                try:
                    async with aclosing(self._watch()) as changes:
                        async for found in changes:
                            yield found
                except FileNotFoundError:
                    pass  # a folder vanished before it was watched
                except Exception as error:  # noqa: BLE001 - whatever it is, edits are to be seen
                    is_watching = False
                    _log.warning(
                        "The system does not watch the app's files: %s. They are looked at once a second "
                        "instead. On Linux, a higher limit may help: "
                        "sudo sysctl fs.inotify.max_user_watches=524288",
                        error,
                    )
            if not is_watching or not self.app.is_dir():
                await asyncio.sleep(_POLL)
            if found := await asyncio.to_thread(self._look):
                yield found

    async def _watch(self) -> AsyncGenerator[list[Path]]:
        """Yield changes until other folders are to be watched."""
        folders = _folders(self.app)
        if not folders:
            return
        from watchfiles import awatch

        identities, watched = _identities(folders), frozenset(map(Path, folders))
        is_first = True
        async with aclosing(
            awatch(
                *folders,
                watch_filter=None,
                recursive=False,
                debounce=_DEBOUNCE,
                step=_STEP,
                rust_timeout=_TIMEOUT,
                yield_on_timeout=True,
            )
        ) as batches:
            async for batch in batches:
                is_news = any(_concerns(self.app, Path(path), watched) for _, path in batch)
                if (is_news or is_first) and (found := await asyncio.to_thread(self._look)):
                    yield found
                is_first = False
                if _identities(folders) != identities or (is_news and _folders(self.app) != folders):
                    return

    def _look(self) -> list[Path]:
        before, self._files = self._files, _files(self.app)
        return sorted(
            path for path in before.keys() | self._files if before.get(path) != self._files.get(path)
        )


def is_of_app(app: Path, path: Path) -> bool:
    """Tell whether a file is one that the app is loaded from, not one of its tests."""
    if path.parent == app and path.name in _FILES:
        return True
    *folders, name = path.relative_to(app).parts
    return path.suffix == ".py" and not (
        any(_is_ignored(part) for part in folders)
        or (folders[:1] and folders[0] in _TESTS)
        or name.startswith(".")
        or name == "conftest.py"
    )


def _concerns(app: Path, path: Path, watched: Collection[Path]) -> bool:
    """Tell whether a change of a path, which the system reports, can be one of the app.

    Looking at all files takes milliseconds in which requests wait: a log or a database in the app's folder,
    which is written all the time, must not cause it.
    """
    return (
        path in watched
        or path.name == _ENVIRONMENT
        or not path.is_relative_to(app)
        or is_of_app(app, path)
        or path.is_dir()
    )


def _is_ignored(name: str) -> bool:
    return name in _IGNORED or name.startswith(".")


def _is_environment(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name, _ENVIRONMENT))


def _folders(app: Path) -> list[str]:
    """Return the folders that may hold code of the app."""
    found: list[str] = []
    for folder, names, _ in os.walk(app):
        names[:] = [
            name for name in sorted(names) if not _is_ignored(name) and not _is_environment(folder, name)
        ]
        if folder == str(app):
            names[:] = [name for name in names if name not in _TESTS]
        found.append(folder)
    return found


def _identities(folders: list[str]) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for folder in folders:
        try:
            status = os.stat(folder)
        except OSError:
            found.append(None)
        else:
            found.append((status.st_dev, status.st_ino))
    return found


def _files(app: Path) -> dict[Path, _Stamp]:
    """Return every file that the app is loaded from."""
    found: dict[Path, _Stamp] = {}
    for folder in _folders(app):
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    if is_of_app(app, path):
                        status = entry.stat()
                        found[path] = (status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError:
            continue  # the folder, or a file, vanished while it was looked at
    return found
