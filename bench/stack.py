"""What is measured: the app on the local runtime, and the floor, each in processes of their own."""

import asyncio
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Addresses", "running_app", "running_floor", "running_process_floor"]

_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Addresses:
    """Say where the app's API is, and in which folder the app."""

    api: str
    folder: Path


@asynccontextmanager
async def running_app() -> AsyncIterator[Addresses]:
    """Run the app as ``make run`` does, on free ports, its log going to a file."""
    with tempfile.TemporaryDirectory() as folder:
        app = _copy_app(Path(folder))
        # Not in the app's folder: the host watches that.
        log = app.parent / "log"
        options = ["--app", str(app), "--port", "0", "--emulator-port", "0"]
        with log.open("w") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-u", "-m", "signalr_local", *options),
                cwd=_ROOT,
                stdout=output,
                stderr=output,
            )
        try:
            while not (found := re.search(r"Open (http://\S+)/index", log.read_text())):
                if process.returncode is not None:
                    raise RuntimeError(log.read_text())
                await asyncio.sleep(0.05)
            yield Addresses(found[1], app)
        finally:
            process.terminate()
            await process.wait()


def _copy_app(folder: Path) -> Path:
    app = folder / "app"
    app.mkdir()
    for name in ("function_app.py", "host.json"):
        shutil.copy(_ROOT / name, app)
    for name in ("blueprints", "serverless_signalr"):
        shutil.copytree(_ROOT / name, app / name)
    shutil.copy(_ROOT / "local.settings.json.example", app / "local.settings.json")
    return app


@asynccontextmanager
async def running_floor(upstream: str = "") -> AsyncIterator[str]:
    """Run the floor and yield its address; its messages pass through ``upstream``, another server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.floor", str(port), upstream),
        cwd=_ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.05)
        writer.close()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def running_process_floor(folder: str = "", function: str = "") -> AsyncIterator[str]:
    """Run the floor that crosses a process, with a function of an app or without, and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.process_floor", str(port), folder, function), cwd=_ROOT
    )
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break
        yield f"http://127.0.0.1:{port}/api/hello"
    finally:
        process.terminate()
        await process.wait()
