"""The app's page: built again when its sources change."""

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from watchfiles import awatch

__all__ = ["PageBuilder"]

_FOLDER, _SOURCES, _MODULES = "web", "src", "node_modules"

_DEBOUNCE, _STEP = 400, 50
"""Milliseconds: how long changes are collected, and how long they pause."""

_MAX_OUTPUT = 4_000

_log = logging.getLogger("signalr_local.host")


class PageBuilder:
    """A builder that runs ``npm run build`` in the app's folder ``web`` after each change of ``web/src``.

    This needs npm, the folder's packages (``npm ci``) and a script ``build`` in its package.json; otherwise
    nothing is built.
    """

    def __init__(self, app: Path) -> None:
        self._folder = app / _FOLDER
        self._npm = shutil.which("npm")
        self._task: asyncio.Task[None] | None = None

    @property
    def can_build(self) -> bool:
        """Tell whether there is a page, and what it takes to build it."""
        if self._npm is None or not (self._folder / _MODULES).is_dir():
            return False
        try:
            package = json.loads((self._folder / "package.json").read_text(encoding="utf-8"))
            return "build" in package["scripts"] and (self._folder / _SOURCES).is_dir()
        except (OSError, ValueError, TypeError, KeyError):
            return False

    def start(self) -> None:
        """Watch the sources, if the page can be built, until ``stop``."""
        if self.can_build:
            self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Watch no longer, and end what builds."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        try:
            async for _ in awatch(self._folder / _SOURCES, debounce=_DEBOUNCE, step=_STEP):
                await self._build()
        except Exception as error:  # noqa: BLE001 - the app runs without it
            _log.warning("The page is not built again when its sources change: %s.", error)

    async def _build(self) -> None:
        started = time.perf_counter()
        assert self._npm is not None  # noqa: S101 - ``start`` has looked
        process = await asyncio.create_subprocess_exec(
            *(self._npm, "run", "--silent", "build"),
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    if sys.platform == "win32":
                        process.kill()
                    else:
                        os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode == 0:
            _log.info("The page is built again, %d ms.", (time.perf_counter() - started) * 1000)
        else:
            text = output.decode(errors="replace").strip()[:_MAX_OUTPUT]
            _log.error("The page could not be built; the app serves the last one.\n%s", text)
