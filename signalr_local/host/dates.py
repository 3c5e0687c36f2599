"""Dates as .NET has them: texts of JSON that Newtonsoft.Json takes for dates, and formats of a moment."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

__all__ = ["DateText", "dates_in", "find_dates", "format_moment"]

_LOOKS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:|/Date\(")
"""What a JSON text with a date in it has somewhere."""

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_MILLISECONDS = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DateText(str):
    """Hold a date of a JSON text in the form that it is written in again.

    ``invariant`` is what it becomes where a text is wanted; ``sent`` is what it was. ``key`` is its form in a
    binding expression.
    """

    __slots__ = ("invariant", "key", "sent")

    invariant: str
    key: str
    sent: str

    @classmethod
    def parse(cls, text: str) -> "DateText | None":
        """Return the date that a text stands for, None for a text that stands for none."""
        try:
            found = _iso(text) or _milliseconds(text)
        except (ValueError, OverflowError):
            return None
        if found is None:
            return None
        moment, fraction, zone = found
        fraction = fraction.rstrip("0")
        plain = f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0")
        date = cls(f"{plain}{fraction and f'.{fraction}'}{zone}")
        date.sent = text
        date.invariant = f"{moment:%m/%d/%Y %H:%M:%S}"
        date.key = plain.replace(":", "-") + zone
        return date


def find_dates(value: Any, text: str | None = None) -> Any:
    """Return a value of JSON whose texts are DateText where they are dates; ``text`` is its source."""
    if text is not None and _LOOKS.search(text) is None:
        return value
    match value:
        case str():
            return DateText.parse(value) or value
        case dict():
            return {name: find_dates(item) for name, item in value.items()}
        case list():
            return [find_dates(item) for item in value]
        case _:
            return value


def dates_in(value: object) -> Iterator[DateText]:
    """Yield the dates of a value of JSON, at whatever level."""
    match value:
        case DateText():
            yield value
        case dict():
            for item in value.values():
                yield from dates_in(item)
        case list():
            for item in value:
                yield from dates_in(item)


def _iso(text: str) -> tuple[datetime, str, str] | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[part]) for part in range(1, 7))
    later = timedelta()
    if hour == 24 and not minute and not second and not int(found[7] or 0):
        hour, later = 0, timedelta(days=1)
    moment = datetime(year, month, day, hour, minute, second) + later
    if found[8] is None or found[8] == "Z":
        return moment, found[7] or "", found[8] or ""
    digits = found[8].replace(":", "").ljust(5, "0")
    offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    zone = timezone(-offset if digits[0] == "-" else offset)
    local = moment.replace(tzinfo=zone).astimezone()
    return local.replace(tzinfo=None), found[7] or "", _written(local)


def _milliseconds(text: str) -> tuple[datetime, str, str] | None:
    found = _MILLISECONDS.fullmatch(text)
    if found is None:
        return None
    number = int(found[1])
    moment = _EPOCH + timedelta(seconds=number // 1000)
    fraction = f"{number % 1000:03d}"
    if found[2] is None:
        return moment.replace(tzinfo=None), fraction, "Z"
    local = moment.astimezone()
    return local.replace(tzinfo=None), fraction, _written(local)


def _written(local: datetime) -> str:
    offset = f"{local:%z}"
    return f"{offset[:3]}:{offset[3:5]}"


_STANDARD = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "f": "dddd, dd MMMM yyyy HH:mm",
    "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "m": "MMMM dd",
    "M": "MMMM dd",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ss'Z'",
    "y": "yyyy MMMM",
    "Y": "yyyy MMMM",
}
_PIECE = re.compile(r"([dfFghHKmMstyz])\1*|'[^']*'|\"[^\"]*\"|\\.|%|.", re.DOTALL)


def format_moment(moment: datetime, form: str) -> str:
    """Return a moment in UTC by a .NET format such as ``yyyy-MM-dd``, in the invariant culture.

    Raise ValueError for a format of one letter that .NET does not know.
    """
    if len(form) == 1:
        if form not in _STANDARD:
            raise ValueError("Input string was not in a correct format.")
        form = _STANDARD[form]
    return "".join(_piece(moment, found[0]) for found in _PIECE.finditer(form))


def _piece(moment: datetime, piece: str) -> str:
    letter, count = piece[0], len(piece)
    two = min(count, 2)
    match letter:
        case "y":
            return f"{moment.year % 100:0{count}d}" if count < 3 else f"{moment.year:0{count}d}"
        case "M":
            return (
                f"{moment.month:0{count}d}" if count < 3 else f"{moment:%b}" if count == 3 else f"{moment:%B}"
            )
        case "d":
            return (
                f"{moment.day:0{count}d}" if count < 3 else f"{moment:%a}" if count == 3 else f"{moment:%A}"
            )
        case "H":
            return f"{moment.hour:0{two}d}"
        case "h":
            return f"{(moment.hour + 11) % 12 + 1:0{two}d}"
        case "m":
            return f"{moment.minute:0{two}d}"
        case "s":
            return f"{moment.second:0{two}d}"
        case "f":
            return f"{moment.microsecond:06d}0"[:count]
        case "F":
            return f"{moment.microsecond:06d}0"[:count].rstrip("0")
        case "t":
            return f"{moment:%p}"[:two]
        case "K":
            return "Z" * count
        case "z":
            return ("+0", "+00", "+00:00")[min(count, 3) - 1]
        case "'" | '"' if count > 1:
            return piece[1:-1]
        case "\\":
            return piece[1:]
        case "%":
            return ""
        case _:
            return piece
