"""Schedules of timers: NCRONTAB expressions and intervals.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions, and
NCrontab for what is accepted. croniter finds the next time.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from signalr_local.host.timespans import format_timespan, parse_timespan

__all__ = ["Schedule", "parse_schedule"]

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_FIELDS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (0, 59, ()),
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
"""Second, minute, hour, day, month, weekday: the least value, the greatest, and names for the values."""

_STEP = re.compile(r"([^/]+)/(\d{1,9})")
_SHORTEST = timedelta(seconds=1)


class Schedule(Protocol):
    """Tells when a timer runs."""

    @property
    def adjusts_for_dst(self) -> bool:
        """Tell what the function is told about daylight saving time."""

    def after(self, moment: datetime) -> datetime:
        """Return the first time after a moment, which is naive and local."""


@dataclass(frozen=True, slots=True)
class _Cron:
    fields: tuple[str, ...]
    adjusts_for_dst: bool = True

    def after(self, moment: datetime) -> datetime:
        from croniter import croniter

        fields = self.fields if len(self.fields) == len(_FIELDS) else ("0", *self.fields)
        found: datetime = croniter(
            " ".join(fields), moment, ret_type=datetime, day_or=False, second_at_beginning=True
        ).get_next()
        return found

    def __str__(self) -> str:
        return f"Cron: '{' '.join(self.fields)}'"


@dataclass(frozen=True, slots=True)
class _Constant:
    interval: timedelta
    adjusts_for_dst: bool = False

    def after(self, moment: datetime) -> datetime:
        return moment + max(self.interval, _SHORTEST)

    def __str__(self) -> str:
        return f"Constant: {format_timespan(self.interval)}"


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that a text stands for: five or six fields, or ``hh:mm:ss``.

    Raise ValueError for a text that stands for none, and for a schedule that never comes, such as 31
    February.
    """
    if (interval := parse_timespan(text)) is not None and text.strip():
        return _Constant(interval)
    wrong = (
        f"The schedule expression '{text}' was not recognized as a valid cron expression or timespan string."
    )
    fields = text.strip(" ").split(" ")
    fields = [field for field in fields if field]
    shapes = _FIELDS[-len(fields) :] if len(fields) in (5, 6) else ()
    if not shapes:
        raise ValueError(wrong)
    try:
        schedule = _Cron(
            tuple(_canonical(field, *shape) for field, shape in zip(fields, shapes, strict=True))
        )
    except ValueError:
        raise ValueError(wrong) from None
    from croniter import CroniterBadDateError

    try:
        schedule.after(datetime.now())
    except CroniterBadDateError:
        raise ValueError(f"The schedule expression '{text}' names a time that never comes.") from None
    return schedule


def _canonical(field: str, least: int, greatest: int, names: tuple[str, ...]) -> str:
    """Return a field with numbers alone, the way NCrontab writes it."""
    values: set[int] = set()
    for item in field.split(","):
        step = 1
        if found := _STEP.fullmatch(item):
            item, step = found[1], int(found[2]) or 1
            is_open = "-" not in item
        else:
            is_open = False
        if item == "*":
            first, last = least, greatest
        elif "-" in item:
            ends = [_value(part, least, greatest, names) for part in item.split("-", 1)]
            first, last = min(ends), max(ends)
        else:
            first = _value(item, least, greatest, names)
            last = greatest if is_open else first
        values |= set(range(first, last + 1, step))
    return _written(sorted(values), least, greatest)


def _value(text: str, least: int, greatest: int, names: tuple[str, ...]) -> int:
    if text.isdecimal() and text.isascii():
        number = int(text)
    else:
        lowered = text.lower()
        if not lowered.isalpha():
            raise ValueError(text)
        number = least + next(
            (place for place, name in enumerate(names) if name.startswith(lowered)), greatest + 1
        )
    if not least <= number <= greatest:
        raise ValueError(text)
    return number


def _written(values: list[int], least: int, greatest: int) -> str:
    if len(values) == greatest - least + 1:
        return "*"
    runs: list[list[int]] = []
    for value in values:
        if runs and runs[-1][-1] == value - 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
