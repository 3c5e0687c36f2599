"""Times such as ``00:05:00``, read and written as .NET's TimeSpan."""

import re
from datetime import timedelta

__all__ = ["format_timespan", "parse_timespan"]

_FORM = re.compile(
    r"\s*(-)?(?:(\d+)|(?:(\d+)\.)?(\d{1,8}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?)\s*", re.ASCII
)


def parse_timespan(text: str) -> timedelta | None:
    """Return the time that a text stands for, None for a text that stands for none.

    A number alone is days; so is what comes first in ``24:00:00``, which has no hour 24.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    sign, only, days, hours, minutes, seconds, fraction = found.groups()
    try:
        if only is not None:
            span = timedelta(days=int(only))
        else:
            first, second, third = int(hours), int(minutes), int(seconds or 0)
            if first > 23 and days is None and fraction is None and seconds is not None:
                span = timedelta(days=first, hours=second, minutes=third)
                second, third = (60, 60) if second > 23 or third > 59 else (0, 0)
            else:
                micro = int((fraction or "0").ljust(7, "0")) / 10
                span = timedelta(
                    days=int(days or 0), hours=first, minutes=second, seconds=third, microseconds=micro
                )
                first = 60 if first > 23 else 0
            if second > 59 or third > 59 or first == 60:
                return None
    except OverflowError:
        return None
    return -span if sign else span


def format_timespan(span: timedelta) -> str:
    """Return a time as .NET writes it: ``[-][d.]hh:mm:ss[.fffffff]``."""
    sign, span = ("-", -span) if span < timedelta() else ("", span)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{span.days}." if span.days else ""
    fraction = f".{span.microseconds * 10:07d}" if span.microseconds else ""
    return f"{sign}{days}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"
