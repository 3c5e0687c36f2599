"""Checks of the properties that the Functions host would refuse, made when the decorator runs."""

import re
from collections.abc import Sequence

from serverless_signalr.protocol.names import check_hub_name
from serverless_signalr.protocol.upstream import CONNECTED, DISCONNECTED, Category

__all__ = ["check_binding_name", "check_called", "check_event", "check_hub", "check_parameter_names"]

_BINDING_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}")
_SETTING = re.compile(r"%[^%]+%")


def check_called(decorator: str, arg_name: object) -> None:
    """Raise TypeError for a decorator that is used without parentheses."""
    if arg_name is not None and not isinstance(arg_name, str):
        raise TypeError(f"write @….{decorator}(), with parentheses: its first argument names a parameter")


def check_binding_name(function: str, name: str) -> None:
    """Raise ValueError for a binding name that the host refuses."""
    if not _BINDING_NAME.fullmatch(name):
        raise ValueError(
            f"the function {function}: the binding name {name!r} is not valid; the Functions host accepts a "
            "letter followed by letters and digits, without underscores"
        )


def check_hub(function: str, name: str) -> None:
    """Raise ValueError for a hub name that the service refuses. Expressions are not checked."""
    if "%" in name or "{" in name:
        return
    try:
        check_hub_name(name)
    except ValueError as error:
        raise ValueError(f"the function {function}: {error}") from None


def check_event(function: str, category: str, event: str) -> None:
    """Raise ValueError for an unknown category, or an event that the category does not have."""
    if _SETTING.fullmatch(category):
        return
    if category.lower() not in tuple(Category):
        raise ValueError(
            f"the function {function}: the category is {category!r}, expected connections or messages"
        )
    if category.lower() == Category.CONNECTIONS and not _SETTING.fullmatch(event):
        if event.lower() not in (CONNECTED, DISCONNECTED):
            raise ValueError(
                f"the function {function}: the event is {event!r}, "
                "the category connections has connected and disconnected"
            )
    elif not event:
        raise ValueError(f"the function {function}: the event must not be empty")


def check_parameter_names(function: str, names: Sequence[str]) -> None:
    """Raise ValueError for two names that differ only in case, which the host treats as one name."""
    if len({name.lower() for name in names}) < len(names):
        raise ValueError(f"the function {function}: two parameter_names differ only in case: rename one")
