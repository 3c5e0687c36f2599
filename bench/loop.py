"""The developer's loop: start, reload and the first request after it, beside a bare import of the app."""

import asyncio
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.figures import say, table

_ROOT = Path(__file__).parent.parent
_RUNS = 10
_TICK = os.sysconf("SC_CLK_TCK")
# Developers have compiled modules, which some machines of tests turn off.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_FLOORS = {
    "floor: python -c import": "import function_app",
    "what serves: aiohttp alone": "import aiohttp.web",
}


@dataclass
class _Lines:
    """What a runtime prints."""

    stream: asyncio.StreamReader

    async def find(self, pattern: str) -> re.Match[str]:
        """Return the next match."""
        while line := (await self.stream.readline()).decode():
            if found := re.search(pattern, line):
                return found
        raise RuntimeError("the runtime ended")


async def main(runs: int = _RUNS) -> None:
    """Measure and print."""
    say(f"The loop: median of {runs} runs. CPU is that of all processes together.")
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder)
        for name in ("function_app.py", "host.json"):
            shutil.copy(_ROOT / name, app)
        for name in ("blueprints", "serverless_signalr"):
            shutil.copytree(_ROOT / name, app / name)
        shutil.copy(_ROOT / "local.settings.json.example", app / "local.settings.json")
        rows: dict[str, list[tuple[float, float]]] = {"start until it is ready": []}
        rows |= {name: [] for name in _FLOORS}
        # In turn, so that a machine which others use is as busy for one as for the other.
        for _ in range(runs + 1):
            rows["start until it is ready"].append(await _start(app))
            for name, code in _FLOORS.items():
                rows[name].append(await _python(app, code))
        # What came first compiled what it imports.
        rows = {name: samples[1:] for name, samples in rows.items()}
        floors = {name: rows.pop(name) for name in reversed(_FLOORS)}
        rows |= await _reloads(app, runs) | floors
    medians = [
        (name, [statistics.median(cpu for _, cpu in samples), statistics.median(wall for wall, _ in samples)])
        for name, samples in rows.items()
    ]
    table("The loop, CPU", ["ms CPU"], [(name, [cpu]) for name, (cpu, _) in medians if cpu])
    table("The loop, time", ["ms"], [(name, [wall]) for name, (_, wall) in medians])


async def _python(app: Path, code: str) -> tuple[float, float]:
    """Return milliseconds, and milliseconds of CPU, of code in a process of its own."""
    started, before = time.perf_counter(), os.times()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=app, env=_ENVIRONMENT)
    await process.wait()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return (time.perf_counter() - started) * 1000, cpu * 1000


async def _start(app: Path) -> tuple[float, float]:
    started = time.perf_counter()
    async with _runtime(app) as (process, lines):
        await lines.find("Ctrl\\+C stops")
        wall = time.perf_counter() - started
        cpu = _cpu(process.pid)
    return wall * 1000, cpu * 1000


async def _reloads(app: Path, runs: int) -> dict[str, list[tuple[float, float]]]:
    """Return reloads, and the requests that came first after them."""
    reloads, requests = [], []
    source = (app / "function_app.py").read_text()
    async with _runtime(app) as (process, lines), aiohttp.ClientSession() as session:
        url = (await lines.find(r"Open (http://\S+)"))[1]
        for number in range(runs):
            async with session.get(url) as response:
                await response.read()
            before, started = _cpu(process.pid), time.perf_counter()
            (app / "new.py").write_text(f"{source}\n# {number}\n")
            (app / "new.py").replace(app / "function_app.py")
            await lines.find("is loaded again")
            asked = time.perf_counter()
            reloads.append(((asked - started) * 1000, (_cpu(process.pid) - before) * 1000))
            async with session.get(url) as response:
                await response.read()
            requests.append(((time.perf_counter() - asked) * 1000, 0.0))
            # The old worker ends meanwhile: what it used is counted when it has.
            await asyncio.sleep(0.5)
        mends = [await _mend(app, source, number, lines, session, url) for number in range(runs)]
    return {
        "reload after an edit": reloads,
        "first request after it": requests,
        "a good edit after a broken one, until it answers": mends,
    }


async def _mend(
    app: Path, source: str, number: int, lines: _Lines, session: aiohttp.ClientSession, url: str
) -> tuple[float, float]:
    """Break the app, mend it, and return the milliseconds from the edit that mends it to its first answer."""
    (app / "function_app.py").write_text("def broken(:\n")
    await lines.find("requests get 503 until then")
    started = time.perf_counter()
    (app / "new.py").write_text(f"{source}\n# mended {number}\n")
    (app / "new.py").replace(app / "function_app.py")
    await lines.find("is loaded again")
    async with session.get(url) as response:
        await response.read()
    return (time.perf_counter() - started) * 1000, 0.0


@asynccontextmanager
async def _runtime(app: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, _Lines]]:
    options = ("--app", str(app), "--port", "0", "--emulator-port", "0")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "signalr_local", *options),
        cwd=_ROOT,
        env=_ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        yield process, _Lines(process.stdout)
    finally:
        process.terminate()
        await process.communicate()


def _cpu(pid: int) -> float:
    """Return the seconds of CPU of a process, its children that ended, and those that run."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0  # it has ended, and its parent counts it
    own = sum(int(field) for field in fields[11:15]) / _TICK
    return own + sum(_cpu(int(child)) for child in children)
