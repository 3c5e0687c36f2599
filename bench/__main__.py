"""Run measurements by name: ``python -m bench [NAME ...]``, all of them without a name."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from bench import (
    answers,
    calls,
    connect,
    fan_out,
    http_functions,
    http_upstream,
    imports,
    inspector,
    loop,
    memory,
    moves,
    negotiate,
    negotiate_code,
    refresh,
    rest,
    round_trip,
    slow_reader,
    testing,
)

_MEASUREMENTS: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    "answers": answers.main,
    "round_trip": round_trip.main,
    "http_functions": http_functions.main,
    "negotiate": negotiate.main,
    "negotiate_code": negotiate_code.main,
    "rest": rest.main,
    "refresh": refresh.main,
    "http_upstream": http_upstream.main,
    "imports": imports.main,
    "moves": moves.main,
    "inspector": inspector.main,
    "loop": loop.main,
    "fan_out": fan_out.main,
    "calls": calls.main,
    "connect": connect.main,
    "memory": memory.main,
    "slow_reader": slow_reader.main,
    "testing": testing.main,
}


def main() -> int:
    """Run what the command line names and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, beside a floor.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(_MEASUREMENTS))
    names = parser.parse_args().names or list(_MEASUREMENTS)
    unknown = [name for name in names if name not in _MEASUREMENTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(_MEASUREMENTS)}")
    for name in names:
        asyncio.run(_MEASUREMENTS[name]())
    return 0


if __name__ == "__main__":
    sys.exit(main())
