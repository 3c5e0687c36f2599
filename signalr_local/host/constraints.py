"""Inline constraints of routes, such as ``{id:int:min(1)}``, with .NET's ideas of numbers and dates.

Source: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints.
"""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

__all__ = ["Constraint", "ConstraintError", "constraint"]

type Constraint = Callable[[str], bool]
"""Tells whether a constraint takes a value."""

_INT = (1 << 31) - 1
_LONG = (1 << 63) - 1
_DECIMAL = Decimal(2**96 - 1)
_INTEGER = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)\s*[+-]?\s*", re.ASCII)
_FLOAT = re.compile(r"\s*[+-]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
_FLOAT_WORDS = frozenset({"nan", "infinity", "-infinity", "+infinity", "∞", "-∞"})
_GUID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)",
    re.IGNORECASE,
)
_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%m-%d-%Y", "%Y-%m", "%Y/%m", "%m/%Y", "%m/%d", "%Y.%m.%d"),
    *("%b %d %Y", "%B %d %Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%a, %d %b %Y"),
    *("%A, %d %B %Y", "%b %Y", "%B %Y", "%Y %b %d", "%Y %B %d", "%b %d", "%B %d", "%d %b", "%d %B"),
)
_TIME = re.compile(
    r"(?:^|[T\s]\s*)(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.\d+)?)?)?"
    r"\s*(?P<half>[AaPp][Mm]?)?\s*(?:Z|GMT|[+-]\d{1,2}(?::?\d\d)?)?$"
)


class ConstraintError(ValueError):
    """A constraint that does not exist, or whose arguments are wrong."""


def constraint(name: str, argument: str | None) -> Constraint:
    """Return the constraint of a name; ``argument`` is what its parentheses hold, None without any.

    Raise ConstraintError. A regular expression that cannot be compiled takes nothing.
    """
    lowered = name.lower()
    if lowered in _PLAIN:
        if argument is not None:
            raise ConstraintError(f"the constraint {name} takes no argument")
        return _PLAIN[lowered]
    if lowered == "regex":
        return _regex(argument)
    if lowered not in _COUNTED:
        raise ConstraintError(
            f"there is no constraint {name!r}; there are {', '.join(sorted({*_PLAIN, *_COUNTED, 'regex'}))}"
        )
    counts, make = _COUNTED[lowered]
    numbers = _numbers(name, argument)
    if len(numbers) not in counts:
        raise ConstraintError(f"the constraint {name} takes {' or '.join(map(str, counts))} numbers")
    return make(*numbers)


def _numbers(name: str, argument: str | None) -> list[int]:
    parts = [] if argument is None else argument.split(",")
    try:
        return [int(part) for part in parts]
    except ValueError:
        raise ConstraintError(f"the constraint {name} takes numbers, got ({argument})") from None


def _regex(argument: str | None) -> Constraint:
    # .NET writes a named group without the P.
    pattern = re.sub(r"\(\?<(?![=!])", "(?P<", argument or "")
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError):
        return lambda _: False
    return lambda text: compiled.search(text) is not None


def _integer(text: str, largest: int = _LONG) -> int | None:
    # More digits than this are out of any range, and Python refuses to read thousands of them.
    if _INTEGER.fullmatch(text) is None or len(text.strip().lstrip("+-0")) > 20:
        return None
    number = int(text)
    return number if -largest - 1 <= number <= largest else None


def _is_bool(text: str) -> bool:
    return text.strip().strip("\0").lower() in ("true", "false")


def _is_decimal(text: str) -> bool:
    if _NUMBER.fullmatch(text) is None:
        return False
    plain = text.strip().replace(",", "").strip("+- ")
    return abs(Decimal(plain if plain != "." else "0")) <= _DECIMAL


def _is_float(text: str) -> bool:
    return _FLOAT.fullmatch(text) is not None or text.strip().lower() in _FLOAT_WORDS


def _is_guid(text: str) -> bool:
    text = text.strip()
    if _GUID.fullmatch(text) is None:
        return False
    UUID(text.strip("{}()"))
    return True


def _is_datetime(text: str) -> bool:
    """Tell whether .NET reads a text as a date, a time, or both, in the invariant culture."""
    text = text.strip()
    if _parses(text):
        return True
    found = _TIME.search(text)
    if found is None or (found["minute"] is None and found["half"] is None):
        return False
    if int(found["hour"]) > 23 or int(found["minute"] or 0) > 59 or int(found["second"] or 0) > 59:
        return False
    date = text[: found.start()].strip()
    return not date or _parses(date)


def _parses(text: str) -> bool:
    for form in _DATES:
        # A year makes 29 February a date, or not; without one it is the present year's.
        dated = (text, form) if "%Y" in form else (f"{text} {datetime.now().astimezone().year}", f"{form} %Y")
        try:
            datetime.strptime(*dated)
        except ValueError:
            continue
        return True
    return False


def _length(text: str) -> int:
    """Return how long .NET takes a text for, which counts in UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _between(text: str, least: int, most: int) -> bool:
    number = _integer(text)
    return number is not None and least <= number <= most


def _of_length(least: int, most: int | None = None) -> Constraint:
    return lambda text: least <= _length(text) <= (least if most is None else most)


_PLAIN: dict[str, Constraint] = {
    "int": lambda text: _integer(text, _INT) is not None,
    "long": lambda text: _integer(text) is not None,
    "bool": _is_bool,
    "decimal": _is_decimal,
    "double": _is_float,
    "float": _is_float,
    "guid": _is_guid,
    "datetime": _is_datetime,
    "alpha": lambda text: not text or (text.isascii() and text.isalpha()),
    "required": bool,
    "file": lambda text: not text.rpartition("/")[2].endswith(".") and "." in text.rpartition("/")[2],
    "nonfile": lambda text: text.rpartition("/")[2].endswith(".") or "." not in text.rpartition("/")[2],
}

_COUNTED: dict[str, tuple[tuple[int, ...], Callable[..., Constraint]]] = {
    "length": ((1, 2), _of_length),
    "minlength": ((1,), lambda least: lambda text: _length(text) >= least),
    "maxlength": ((1,), lambda most: lambda text: _length(text) <= most),
    "min": ((1,), lambda least: lambda text: _between(text, least, _LONG)),
    "max": ((1,), lambda most: lambda text: _between(text, -_LONG - 1, most)),
    "range": ((2,), lambda least, most: lambda text: _between(text, least, most)),
}
