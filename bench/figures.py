"""Figures of a measurement, and how they are printed."""

import statistics
import sys
from collections.abc import Sequence

__all__ = ["percentile", "say", "table"]


def percentile(seconds: Sequence[float], share: int) -> float:
    """Return the time, in milliseconds, that ``share`` per cent of the samples stay under."""
    return statistics.quantiles(seconds, n=100)[share - 1] * 1000


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]]) -> None:
    """Print a table, the last row being the floor that the others are divided by."""
    say(f"\n{title}")
    say(f"{'':32}" + "".join(f"{column:>14}" for column in columns) + f"{'ratio':>10}")
    floor = rows[-1][1][0]
    for name, values in rows:
        say(f"{name:32}" + "".join(f"{value:14,.2f}" for value in values) + f"{values[0] / floor:10.2f}")
