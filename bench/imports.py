"""What imports cost a cold start: ours beside azure-functions alone and the published quickstart's."""

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.figures import say, table

_ROOT = Path(__file__).parent.parent
_RUNS = 15

_IMPORTS = {
    "function_app, all blueprints": "import function_app",
    "serverless_signalr beside azure.functions": "import azure.functions, serverless_signalr",
    "serverless_signalr.hub beside it": "import azure.functions, serverless_signalr.hub",
    # What function_app.py of the serverless SignalR quickstart for Python imports.
    "the quickstart's imports": "import os, json, requests, azure.functions",
    "floor: azure.functions": "import azure.functions",
}


async def main(runs: int = _RUNS) -> None:
    """Measure and print."""
    await asyncio.to_thread(_measure, runs)


def _measure(runs: int) -> None:
    say(f"Imports: CPU time, median of {runs} new processes each, in turn, less an empty one.")
    samples: dict[str, list[float]] = {name: [] for name in ("", *_IMPORTS)}
    # Bytecode of its own for every module: pip compiles packages, and an environment with
    # PYTHONDONTWRITEBYTECODE would compile this project's modules anew in every process.
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for name in samples:
            _cpu_time(name, environment)
        for _ in range(runs):
            for name, times in samples.items():
                times.append(_cpu_time(name, environment))
    medians = {name: statistics.median(times) for name, times in samples.items()}
    empty = medians.pop("")
    table("Imports", ["ms"], [(name, [median - empty]) for name, median in medians.items()])


def _cpu_time(name: str, environment: Mapping[str, str]) -> float:
    """Return the milliseconds of CPU that a new process takes for the imports."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", _IMPORTS.get(name, "pass")], cwd=_ROOT, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000
