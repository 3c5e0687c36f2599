"""Apps of the recorded cases, written to a folder and run by a host."""

import asyncio
import json
import logging
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from signalr_local.host.console import LevelFilter
from signalr_local.host.host import FunctionsHost
from signalr_local.host.options import HostOptions
from signalr_local.host.worker import AppError
from tests.signalr_local.host.recorded.cases import DATA, Case
from tests.signalr_local.host.recorded.wire import Answer, exchange, raw_request

__all__ = ["Replayed", "copy_app", "running", "write_app"]

_SETTINGS = {"FUNCTIONS_WORKER_RUNTIME": "python", "AzureWebJobsStorage": ""}


class Replayed:
    """Use a host that runs an app of the data; ``error`` says why it does not."""

    def __init__(self, app: Path) -> None:
        self.app = app
        self.levels = LevelFilter()
        self.host = FunctionsHost(app, levels=self.levels, options=HostOptions(host_names=("other.example",)))
        self.error = ""
        self.log: list[str] = []

    @property
    def port(self) -> int:
        return self.host.port

    async def send(self, request: Case, timeout: float = 30.0) -> Answer:
        return await exchange(self.port, raw_request(request, self.port), timeout)

    async def get(self, target: str, method: str = "GET") -> Answer:
        return await self.send({"method": method, "target": target})


class _Recorder(logging.Handler):
    def __init__(self, replayed: Replayed) -> None:
        super().__init__()
        self._lines = replayed.log
        self.addFilter(replayed.levels)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@asynccontextmanager
async def running(app: Path) -> AsyncIterator[Replayed]:
    """Run a host for a folder, as far as it starts."""
    replayed = Replayed(app)
    recorder, logger = _Recorder(replayed), logging.getLogger("signalr_local")
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    replayed.host.bind(port=0)
    try:
        await replayed.host.start()
    except (AppError, ValueError) as error:
        replayed.error = str(error)
    try:
        yield replayed
    finally:
        logger.removeHandler(recorder)
        await asyncio.shield(replayed.host.stop())


def copy_app(name: str, folder: Path) -> Path:
    """Copy an app of ``host/apps`` into a folder that is not there yet."""
    shutil.copytree(DATA / "host" / "apps" / name, folder)
    content = json.loads((folder / "settings.json").read_text())
    (folder / "settings.json").unlink()
    # orjson, which a client of the tests brings, reads other JSON than Azure's worker does.
    without = folder.with_name("without_orjson")
    without.mkdir()
    (without / "orjson.py").write_text("raise ImportError('not installed in Azure')")
    content["Values"]["PYTHONPATH"] = str(without)
    (folder / "local.settings.json").write_text(json.dumps(content))
    return folder


def write_app(files: Mapping[str, str], settings: Mapping[str, str] | None, folder: Path) -> Path:
    """Write an app into a folder that is not there yet."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode())
    values = {**_SETTINGS, **(settings or {})}
    (folder / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    return folder
