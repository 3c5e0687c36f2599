"""The app behind the emulator: its functions, and the secrets in its settings."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from signalr_local.host.functions import Function
from signalr_local.host.instance import AppInstance
from signalr_local.inspector.secrecy import secrets_in

__all__ = ["AppSecrets", "described"]

_SECRET_SETTING = re.compile(r"key|secret|passw|token|connectionstring", re.IGNORECASE)
_LEAST = 8


def described(instance: AppInstance | None) -> dict[str, Any]:
    """Return the functions of an app, an empty object while there is none."""
    if instance is None:
        return {}
    return {
        "functions": [
            {
                "name": function.name,
                "trigger": str(function.trigger.get("type", "")),
                "hub": function.trigger.get("hubName"),
                "category": function.trigger.get("category"),
                "event": function.trigger.get("event"),
                "parameters": _parameters(function),
            }
            for function in instance.table.functions
        ],
        "disabled": list(instance.table.disabled),
        "errors": dict(instance.table.errors),
    }


def _parameters(function: Function) -> list[Mapping[str, Any]] | None:
    if function.parameters is not None:
        return list(function.parameters)
    names = function.trigger.get("parameterNames")
    return None if names is None else [{"name": name, "type": "any"} for name in names]


class AppSecrets:
    """The secrets in the settings of an app, found once for each of its loadings."""

    def __init__(self) -> None:
        self._instance: AppInstance | None = None
        self._found: tuple[str, ...] = ()

    def of(self, instance: AppInstance | None) -> tuple[str, ...]:
        """Return the secrets of a loading of the app, none while there is none."""
        if instance is not self._instance:
            self._instance = instance
            self._found = () if instance is None else tuple(_secrets_of(instance))
        return self._found


def _secrets_of(instance: AppInstance) -> Iterator[str]:
    for name, value in instance.local_values.items():
        yield from secrets_in([value])
        if _SECRET_SETTING.search(name) and len(value) >= _LEAST and "=" not in value:
            yield value
