"""Changes of an app's files, as they happen."""

import asyncio
import importlib
import logging
import os
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from signalr_local.host.configuration import HOST_JSON
from signalr_local.host.settings import LOCAL_SETTINGS

__all__ = ["Watcher"]

_FILES = frozenset({HOST_JSON, LOCAL_SETTINGS})
_IGNORED = frozenset({"__pycache__", "node_modules", "venv", "build", "dist"})
_TESTS = frozenset({"test", "tests"})
_ENVIRONMENT = "pyvenv.cfg"

_DEBOUNCE, _STEP, _TIMEOUT = 400, 50, 1_000
"""Milliseconds: how long changes are collected, how long they pause, after what the folders are checked."""

_POLL = 1.0
"""Seconds between two looks at the files where the system does not tell of changes."""

_log = logging.getLogger("signalr_local.host")

_PACKAGE = "__init__.py"

type _Stamp = tuple[int, int, int]
"""Inode, time of the last change and size: files with the same ones are taken for the same."""

type _Identity = tuple[int, int]
"""Device and inode of a folder."""


class Watcher:
    """A watcher that reports which of an app's files were changed, added or removed.

    It compares the files with what they were before; the system only says when to compare. So it misses no
    change: not one that was made before the system watched, nor one in a new folder, nor a folder that takes
    the place of the app's, nor one behind a symbolic link. If the system cannot watch, it compares once a
    second.
    """

    def __init__(self, app: Path) -> None:
        self.app = app
        self._seen = _Look.at(app)

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
        watched = _Look.at(self.app).watched
        if not watched:
            return
        # It takes a while to import, in which requests are answered.
        awatch = (await asyncio.to_thread(importlib.import_module, "watchfiles")).awatch
        if found := await asyncio.to_thread(self._look):
            yield found
        identities, places = _identities(watched), frozenset(watched)
        is_first = True
        async with aclosing(
            awatch(
                *watched,
                watch_filter=None,
                recursive=False,
                debounce=_DEBOUNCE,
                step=_STEP,
                rust_timeout=_TIMEOUT,
                yield_on_timeout=True,
            )
        ) as batches:
            async for batch in batches:
                is_news = any(_concerns(path, places) for _, path in batch)
                if (is_news or is_first) and (found := await asyncio.to_thread(self._look)):
                    yield found
                is_first = False
                if self._seen.watched != watched or _identities(watched) != identities:
                    return

    def _look(self) -> list[Path]:
        before, self._seen = self._seen, _Look.at(self.app)
        old, new = before.files, self._seen.files
        return sorted(path for path in old.keys() | new if old.get(path) != new.get(path))


@dataclass(slots=True)
class _Look:
    """What there is of an app: every file that it is loaded from, and the folders that may hold more."""

    files: dict[Path, _Stamp] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    linked: set[str] = field(default_factory=set)
    """Folders elsewhere with files that symbolic links lead to."""

    @classmethod
    def at(cls, app: Path) -> "_Look":
        """Look at an app's folder, which may be gone."""
        look, root = cls(), str(app)
        pending, seen = [root], set[_Identity]()
        while pending:
            folder = pending.pop()
            try:
                identity = _identity(folder)
                # A symbolic link may lead to a folder above.
                if identity not in seen:
                    seen.add(identity)
                    pending += look._take(root, folder)
            except OSError:
                continue  # the folder, or a file, vanished while it was looked at
        return look

    @property
    def watched(self) -> list[str]:
        """The folders whose changes may be changes of the app."""
        return sorted({*self.folders, *self.linked})

    def _take(self, root: str, folder: str) -> list[str]:
        """Note a folder and the app's files in it, and return the folders in it that may hold more."""
        inner = []
        with os.scandir(folder) as entries:
            # What cannot be read cannot be watched: the folder of a database, say.
            self.folders.append(folder)
            for entry in entries:
                # Most files are none of the app's: to find that out must cost next to nothing.
                if _is_code(entry.name) or (folder == root and entry.name in _FILES):
                    self._note(entry)
                elif not (folder == root and entry.name in _TESTS) and _may_hold_code(entry):
                    inner.append(entry.path)
        return inner

    def _note(self, entry: os.DirEntry[str]) -> None:
        try:
            status = entry.stat()
        except OSError:
            return  # it is gone, or is a link that leads nowhere
        if entry.is_symlink():
            self.linked.add(os.path.dirname(os.path.realpath(entry.path)))
        self.files[Path(entry.path)] = (status.st_ino, status.st_mtime_ns, status.st_size)


def _concerns(path: str, watched: Collection[str]) -> bool:
    """Tell whether a change of a path, which the system reports, can be one of the app.

    Looking at all files takes milliseconds in which requests wait: a log or a database in the app's folder,
    which is written all the time, must not cause it.
    """
    name = os.path.basename(path)
    return path in watched or name in _FILES or name == _ENVIRONMENT or _is_code(name) or os.path.isdir(path)


def _is_code(name: str) -> bool:
    return name.endswith(".py") and not name.startswith(".") and name != "conftest.py"


def _is_ignored(name: str) -> bool:
    return name in _IGNORED or name.startswith(".")


def _may_hold_code(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder worth a look: of those that links lead to, only packages are."""
    if _is_ignored(entry.name) or not _is_folder(entry):
        return False
    if entry.is_symlink():
        return os.path.exists(os.path.join(entry.path, _PACKAGE))
    return not os.path.exists(os.path.join(entry.path, _ENVIRONMENT))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself, or into a folder that may not be entered


def _identity(folder: str) -> _Identity:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _identities(folders: list[str]) -> list[_Identity | None]:
    found: list[_Identity | None] = []
    for folder in folders:
        try:
            found.append(_identity(folder))
        except OSError:
            found.append(None)
    return found
