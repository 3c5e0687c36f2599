"""Conversion between Python values and values that JSON can carry."""

import dataclasses
import math
import numbers
from collections.abc import Mapping
from enum import Enum
from functools import cache, partial
from typing import Any

from serverless_signalr.protocol.text import well_formed

__all__ = ["MAX_DEPTH", "convert", "to_builtins"]

MAX_DEPTH = 62
"""Maximum nesting of lists and objects in a value, including the value itself.

.NET reads at most 64 levels per message: a deeper one fails in Azure's host, and disconnects every .NET
client that receives it. A message adds up to two levels around its values.
"""


_MAX_INTEGER = 10**4300
"""Python refuses to convert integers with more digits to text, see sys.set_int_max_str_digits."""


def to_builtins(value: object, *, binary: bool = False) -> object:
    """Convert a value to JSON builtins: dict, list, str, int, float, bool and None.

    Dates become ISO 8601 text, bytes become base64 text, enums become their values, UUIDs become text, sets
    become lists, and dataclasses and TypedDicts become objects with unchanged field names. Half of a
    surrogate pair becomes U+FFFD. With ``binary``, bytes stay bytes, which MessagePack can carry.

    Raise TypeError for a type that JSON cannot carry, and ValueError for NaN, Infinity, integers of more than
    4,300 digits, two keys with the same text, and more than MAX_DEPTH levels.
    """
    return _convert(value, binary, MAX_DEPTH)


def _convert(value: object, binary: bool, depth: int) -> object:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else well_formed(value)  # type: ignore[attr-defined, arg-type]
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if -_MAX_INTEGER < value < _MAX_INTEGER else _too_large()  # type: ignore[operator]
    if kind is float:
        return _finite(value)  # type: ignore[arg-type]
    if kind is list or kind is tuple:
        return _list(value, binary, depth)
    if kind is dict:
        return _object(value.items(), binary, depth)  # type: ignore[attr-defined]
    return _convert_other(value, binary, depth)


def _convert_other(value: object, binary: bool, depth: int) -> object:
    match value:
        case Enum():
            return _convert(value.value, binary, depth)
        # Subclasses may override __str__ or __int__ for display; the underlying value is sent.
        case str():
            return well_formed(str.__str__(value))
        case int():
            return _convert(int.__index__(value), binary, depth)
        case float():
            return _finite(float.__float__(value))
        case numbers.Integral():
            return _convert(int(value), binary, depth)
        case numbers.Real() if not isinstance(value, numbers.Rational):
            return _finite(float(value))
        case list() | tuple() | set() | frozenset():
            return _list(value, binary, depth)
        case Mapping():
            return _object(value.items(), binary, depth)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            # msgspec omits defaults that it did not set itself.
            fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
            return _object(fields, binary, depth)
        case _:
            return _convert_by_msgspec(value, binary, depth)


def _list(items: Any, binary: bool, depth: int) -> list[object]:
    if depth <= 0:
        raise ValueError(_TOO_DEEP)
    return [_convert(item, binary, depth - 1) for item in items]


def _object(items: Any, binary: bool, depth: int) -> dict[str, object]:
    if depth <= 0:
        raise ValueError(_TOO_DEEP)
    result: dict[str, object] = {}
    for key, item in items:
        name = key if type(key) is str and key.isascii() else _key(key)
        if name in result:
            raise ValueError(f"two keys of an object have the same text in JSON, {name!r}: rename one")
        result[name] = _convert(item, binary, depth - 1)
    return result


def _key(key: object) -> str:
    match _convert(key, False, 1):
        case str() as text:
            return text
        case bool() | None as word:
            return {True: "true", False: "false", None: "null"}[word]
        case int() | float() as number:
            return str(number)
        case _:
            raise TypeError(f"a key is a {type(key).__name__}, which JSON cannot carry: use text")


def _too_large() -> object:
    raise ValueError("an integer has more than 4,300 digits, which cannot be converted to JSON: send text")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(f"{number} is not JSON compliant: send None or text instead")
    return number


def _convert_by_msgspec(value: object, binary: bool, depth: int) -> object:
    import msgspec

    hook = partial(_convert_inner, binary=binary, depth=depth)
    try:
        result = msgspec.to_builtins(value, builtin_types=(bytes,) if binary else None, enc_hook=hook)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    # msgspec accepts NaN, halves of surrogate pairs and any depth.
    return result if type(result) is bytes else _convert(result, binary, depth)


def _convert_inner(value: object, *, binary: bool, depth: int) -> object:
    """Convert a value that msgspec does not support to one that it supports."""
    if isinstance(value, str | numbers.Integral | Mapping):
        return _convert(value, binary, depth)
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational):
        return _convert(value, binary, depth)
    raise TypeError(
        f"a {type(value).__name__} cannot be sent: send a JSON value, a dataclass, a date, a UUID or an enum"
    )


_TOO_DEEP = (
    f"a value has more than {MAX_DEPTH} levels of lists and objects, which Azure's host and .NET clients "
    "cannot read: flatten it, or send it as JSON text"
)


def convert(value: object, annotation: Any) -> object:
    """Convert a value from JSON to the type of an annotation.

    Dates, UUIDs and enums are converted from their JSON form, and objects to dataclasses or TypedDicts. A
    string is never converted to a number, nor a number to a string. Raise ValueError with a clause as its
    message, such as ``expected integer, got string at $.age``.
    """
    if annotation is Any or annotation is object:
        return value
    import msgspec

    try:
        return msgspec.convert(value, annotation)
    except msgspec.ValidationError as error:
        raise ValueError(_clause(str(error))) from None


_JSON_NAMES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "array": "list"}


@cache
def _clause_pattern() -> Any:
    import re

    return re.compile(r"`([^`]*)`")


def _clause(message: str) -> str:
    def name(match: Any) -> str:
        inner: str = match[1]
        return " or ".join(_JSON_NAMES.get(part, part) for part in inner.split(" | "))

    text: str = _clause_pattern().sub(name, message).replace(" - at ", " at ")
    return text[:1].lower() + text[1:]
