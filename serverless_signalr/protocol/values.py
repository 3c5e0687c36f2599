"""Python values as JSON can carry them, and back."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

__all__ = ["convert", "to_builtins"]


def to_builtins(value: object, *, binary: bool = False) -> object:
    """Return a value in terms of JSON: dict, list, str, int, float, bool and None.

    Dates become ISO 8601 text, bytes base64 text, enums their value, UUIDs text, dataclasses and
    TypedDicts objects with their field names as they are. With ``binary`` bytes stay bytes, which
    MessagePack can carry. Raise TypeError for anything else.
    """
    match value:
        case None | str() | bool() | int() | float() if type(value) in _PLAIN:
            return value
        case list() | tuple():
            return [to_builtins(item, binary=binary) for item in value]
        case Mapping():
            return {str(to_builtins(key)): to_builtins(item, binary=binary) for key, item in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            # msgspec leaves out a default that it did not set itself.
            fields = dataclasses.fields(value)
            return {field.name: to_builtins(getattr(value, field.name), binary=binary) for field in fields}
        case _:
            import msgspec

            return msgspec.to_builtins(value, builtin_types=(bytes,) if binary else None)


def convert(value: object, annotation: Any) -> object:
    """Return a value from JSON as the type that an annotation asks for.

    Dates, UUIDs and enums are read from their JSON form, objects become dataclasses or TypedDicts. A
    string is never read as a number, nor a number as a string. Raise ValueError whose message is a clause
    such as ``expected integer, got string at $.age``.
    """
    if annotation is Any or annotation is object:
        return value
    import msgspec

    try:
        return msgspec.convert(value, annotation)
    except msgspec.ValidationError as error:
        raise ValueError(_clause(str(error))) from None


_PLAIN = frozenset({type(None), str, bool, int, float})

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
