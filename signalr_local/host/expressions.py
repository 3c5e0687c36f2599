"""Binding expressions: ``%SETTING%`` and ``{headers.name}`` in the properties of a binding.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-expressions-patterns and the
WebJobs SDK's behaviour where that page is silent.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["BindingData", "ExpressionError", "resolve", "resolve_settings"]

type BindingData = Mapping[str, Any]
"""What an invocation offers to expressions, by name; nested mappings are reached with a dot."""

_SETTING = re.compile(r"%([^%\s]+)%")
_EXPRESSION = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


class ExpressionError(ValueError):
    """Say which expression of a binding has no value, in the host's own words."""

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(reason)
        self.expression = expression


def resolve_settings(text: str, settings: Mapping[str, str]) -> str:
    """Replace each ``%NAME%`` by the app setting. Raise ExpressionError for one that does not exist."""

    def value(match: re.Match[str]) -> str:
        found = settings.get(match[1])
        if found is None:
            raise ExpressionError(match[0], f"'%{match[1]}%' does not resolve to a value.")
        return found

    return _SETTING.sub(value, text)


def resolve(text: str, settings: Mapping[str, str], data: BindingData) -> str:
    """Replace ``%NAME%`` and then each ``{path}``.

    A header or query parameter that is absent is an error, not an empty text; null is an empty text.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        return _value(match[0], match[1].strip(), data)

    return _EXPRESSION.sub(value, resolve_settings(text, settings))


def _value(expression: str, path: str, data: BindingData) -> str:
    path, _, form = path.partition(":")
    head, *members = path.split(".")
    lowered = {name.lower(): item for name, item in data.items()}
    if head.lower() in lowered:
        return _text(_walk(expression, lowered[head.lower()], members))
    if head == "rand-guid":
        guid = uuid.uuid4()
        forms = {"N": guid.hex, "B": f"{{{guid}}}", "P": f"({guid})"}
        return forms.get(form.upper(), str(guid))
    if head.lower() == "datetime" and not form:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    raise ExpressionError(expression, f"No value for named parameter '{head}'.")


def _walk(expression: str, value: Any, members: list[str]) -> Any:
    for member in members:
        found = next(
            (item for name, item in value.items() if name.lower() == member.lower())
            if isinstance(value, Mapping)
            else iter(()),
            _MISSING,
        )
        if found is _MISSING:
            raise ExpressionError(expression, f"Error while accessing '{member}': property doesn't exist.")
        value = found
    return value


_MISSING = object()


def _text(value: Any) -> str:
    match value:
        case None | Mapping() | list():
            return ""
        case bool():
            return str(value)
        case _:
            return str(value)
