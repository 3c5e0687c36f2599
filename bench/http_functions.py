"""HTTP functions through host and worker, beside a floor that crosses a process as they do."""

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import fmean
from urllib.parse import urlsplit

from bench.figures import percentile, say, table
from bench.stack import running_process_floor

_ROOT = Path(__file__).parent.parent
_CONNECTIONS = 32
_SECONDS = 4.0
_TURNS = 8
_APP = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello", methods=["GET"])
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")
"""


async def main(connections: int = _CONNECTIONS, seconds: float = _SECONDS) -> None:
    """Measure and print."""
    say(
        f"HTTP functions: {connections} connections, then one, {seconds:.0f} seconds each, in {_TURNS} turns."
    )
    with tempfile.TemporaryDirectory() as folder:
        await _measure(_write_app(Path(folder)), connections, seconds)


def _write_app(folder: Path) -> Path:
    app = folder / "app"
    app.mkdir()
    (app / "function_app.py").write_text(_APP)
    (app / "local.settings.json").write_text('{"IsEncrypted": false, "Values": {}}')
    return app


async def _measure(app: Path, connections: int, seconds: float) -> None:
    async with (
        _running_host(app) as host,
        running_process_floor(str(app), "hello") as library,
        running_process_floor() as floor,
    ):
        urls = {
            "host, worker, function": host,
            "aiohttp, pipe, worker library": library,
            "floor: aiohttp, pipe, child": floor,
        }
        busy, alone = ({name: list[float]() for name in urls} for _ in range(2))
        # A shared machine is faster now and slower then: they take turns.
        for _ in range(_TURNS):
            for name, url in urls.items():
                busy[name] += await _load(url, connections, seconds / _TURNS)
                alone[name] += await _load(url, 1, seconds / _TURNS)
    _show(f"HTTP, {connections} connections", busy, connections)
    _show("HTTP, one at a time", alone, 1)


def _show(title: str, times: dict[str, list[float]], connections: int) -> None:
    rows = [
        (name, [connections / fmean(every), percentile(every, 50), percentile(every, 99)])
        for name, every in times.items()
    ]
    if connections == 1:
        table(title, ["p50 ms", "p99 ms", "requests/s"], [(name, [*row[1:], row[0]]) for name, row in rows])
    else:
        table(title, ["requests/s", "p50 ms", "p99 ms"], rows)


@asynccontextmanager
async def _running_host(app: Path) -> AsyncIterator[str]:
    # Not in the app's folder: the host watches that.
    log = app.parent / "log"
    with log.open("w") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "signalr_local", "host", "--app", str(app), "--port", "0"),
            cwd=_ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        while not (found := re.search(r"hello: \[GET\] (http://\S+)", log.read_text())):
            if process.returncode is not None:
                raise RuntimeError(log.read_text())
            await asyncio.sleep(0.05)
        yield found[1]
    finally:
        process.terminate()
        await process.wait()


async def _load(url: str, connections: int, seconds: float) -> list[float]:
    await asyncio.gather(*(_requests(url, seconds / 8) for _ in range(connections)))
    samples = await asyncio.gather(*(_requests(url, seconds) for _ in range(connections)))
    return [sample for one in samples for sample in one]


async def _requests(url: str, seconds: float) -> list[float]:
    """Get again and again on one connection: aiohttp's client would be slower than what is measured."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    samples = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode(errors="replace"))
        length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
        await reader.readexactly(int(length))
        samples.append(time.perf_counter() - start)
    writer.close()
    return samples


if __name__ == "__main__":
    asyncio.run(main())
