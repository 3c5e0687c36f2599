"""What imports cost a cold start: ours beside azure-functions alone and the published quickstart's."""

import asyncio
import statistics
import subprocess
import sys
import time
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


async def main() -> None:
    """Measure and print."""
    await asyncio.to_thread(_measure)


def _measure() -> None:
    say(f"Imports: median of {_RUNS} new processes each, in turn, less an empty one.")
    samples: dict[str, list[float]] = {name: [] for name in ("", *_IMPORTS)}
    for _ in range(_RUNS):
        for name, times in samples.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", _IMPORTS.get(name, "pass")], cwd=_ROOT, check=True)
            times.append((time.perf_counter() - start) * 1000)
    medians = {name: statistics.median(times) for name, times in samples.items()}
    empty = medians.pop("")
    table("Imports", ["ms"], [(name, [median - empty]) for name, median in medians.items()])
