"""Binding expressions: ``%SETTING%`` and ``{headers.name}`` in the properties of a binding.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-expressions-patterns and the
WebJobs SDK (BindingTemplate, INameResolver) where that page is silent.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from signalr_local.host.dates import DateText, format_moment

__all__ = [
    "METHOD_NAME",
    "BindingData",
    "ExactNames",
    "ExpressionError",
    "check",
    "has_expression",
    "resolve",
    "resolve_settings",
]

type BindingData = Mapping[str, Any]
"""What an invocation offers to expressions, by name in lower case; a dot reaches nested mappings."""

METHOD_NAME = "sys.methodname"
"""The name under which the data holds the function's name: no other can have a dot."""

_UTC_NOW = "yyyy-MM-ddTHH-mm-ssK"
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*")


class ExactNames(dict[str, str]):
    """Hold members whose names are looked up with regard to case, unlike any others."""


class ExpressionError(ValueError):
    """Say which expression of a binding has no value, in the host's own words."""

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(reason)
        self.expression = expression


def has_expression(text: str) -> bool:
    """Tell whether a property of a binding asks for something of the invocation."""
    return "{" in text or "}" in text


def resolve_settings(text: str, settings: Mapping[str, str]) -> str:
    """Replace each ``%NAME%`` by the app setting.

    Raise ExpressionError for one that does not exist, and for a percent sign that has no partner.
    """
    resolved, end = "", 0
    while (start := text.find("%", end)) >= 0:
        close = text.find("%", start + 1)
        if close < 0:
            raise ExpressionError("%", f"The '%' at position {start} does not have a closing '%'")
        name = text[start + 1 : close]
        found = settings.get(name)
        if found is None:
            raise ExpressionError(f"%{name}%", f"'%{name}%' does not resolve to a value.")
        resolved += text[end:start] + found
        end = close + 1
    return resolved + text[end:]


def resolve(text: str, settings: Mapping[str, str], data: BindingData) -> str:
    """Replace ``%NAME%`` and then each ``{path}``.

    A header or query parameter that is absent is an error, not an empty text; null is an empty text.
    """
    text = resolve_settings(text, settings) if "%" in text else text
    if not has_expression(text):
        return text
    return "".join(_value(part, data) if is_expression else part for part, is_expression in _parts(text))


def check(text: str, settings: Mapping[str, str]) -> None:
    """Raise ExpressionError for a text with a setting that does not exist or braces that do not match."""
    _parts(resolve_settings(text, settings))


def _parts(text: str) -> list[tuple[str, bool]]:
    """Return the literal parts of a template and its expressions, which are marked."""
    parts: list[tuple[str, bool]] = []
    literal, at = "", 0
    while at < len(text):
        character = text[at]
        if character in "{}" and text[at + 1 : at + 2] == character:
            literal += character
            at += 2
        elif character == "}":
            raise ExpressionError(
                text, f"Invalid template '{text}'. Missing opening bracket at position {at}."
            )
        elif character == "{":
            close = text.find("}", at)
            inner = text[at + 1 : close] if close >= 0 else ""
            if close < 0 or "{" in inner:
                raise ExpressionError(
                    text, f"Invalid template '{text}'. Missing closing bracket at position {at}."
                )
            if _NAME.fullmatch(inner.partition(":")[0]) is None:
                raise ExpressionError(
                    f"{{{inner}}}", f"Invalid template '{text}'. The parameter name '{inner}' is invalid."
                )
            parts += [(literal, False), (inner, True)]
            literal, at = "", close + 1
        else:
            literal += character
            at += 1
    return [*parts, (literal, False)]


def _value(path: str, data: BindingData) -> str:
    expression = f"{{{path}}}"
    path, _, form = path.partition(":")
    head, *members = path.lower().split(".")
    _, *spelled = path.split(".")
    if head in data:
        return _text(_walk(expression, data[head], spelled))
    try:
        if head == "sys" and len(members) == 1 and members[0] in _SYSTEM:
            return _SYSTEM[members[0]](form, data)
        if not members and head in ("rand-guid", "datetime"):
            return _guid(form) if head == "rand-guid" else _now(form)
    except ValueError as error:
        raise ExpressionError(expression, str(error)) from None
    raise ExpressionError(expression, f"No value for named parameter '{path.split('.')[0]}'.")


def _guid(form: str) -> str:
    guid = uuid.uuid4()
    forms = {"": str(guid), "D": str(guid), "N": guid.hex, "B": f"{{{guid}}}", "P": f"({guid})"}
    if form.upper() not in forms:
        raise ValueError(
            'Format string can be only "D", "d", "N", "n", "P", "p", "B", "b", "X" or "x"; X is not '
            "supported here."
        )
    return forms[form.upper()]


def _now(form: str) -> str:
    return format_moment(datetime.now(UTC), form or _UTC_NOW)


_SYSTEM: dict[str, Callable[[str, BindingData], str]] = {
    "randguid": lambda form, _: _guid(form),
    "utcnow": lambda form, _: _now(form),
    "methodname": lambda _, data: str(data.get(METHOD_NAME, "")),
}


def _walk(expression: str, value: Any, members: list[str]) -> Any:
    for member in members:
        found = _MISSING
        if isinstance(value, ExactNames):
            found = value.get(member, _MISSING)
        elif isinstance(value, Mapping):
            wanted = member.lower()
            found = next((item for name, item in value.items() if name.lower() == wanted), _MISSING)
        if found is _MISSING:
            raise ExpressionError(expression, f"Error while accessing '{member}': property doesn't exist.")
        value = found
    return value


_MISSING: Any = object()


def _text(value: Any) -> str:
    match value:
        case None | Mapping() | list():
            return ""
        case DateText():
            return value.invariant
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
