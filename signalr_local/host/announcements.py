"""What the log says of an app that was loaded: how many functions, and which came and went."""

import logging

from signalr_local.host import admin
from signalr_local.host.functions import Function
from signalr_local.host.instance import AppInstance

__all__ = ["announce", "describe"]

_log = logging.getLogger("signalr_local.host")


def announce(instance: AppInstance, before: AppInstance | None, seconds: float, *, base: str) -> None:
    """Log what is new in comparison with the last loading, and every function in error that is new."""
    errors = instance.table.errors
    known = {} if before is None else before.table.errors
    if before is not None:
        lines = [
            f"The app is loaded again: {len(instance.table.functions)} functions, {seconds * 1000:.0f} ms."
        ]
        lines += _differences(_described(before, base), _described(instance, base))
        _log.info("%s", "\n".join(lines))
    together: dict[str, list[str]] = {}
    for name, error in errors.items():
        if known.get(name) != error:
            together.setdefault(error, []).append(name)
    for error, names in together.items():
        first = instance.table.find(names[0])
        is_left_alone = first is not None and instance.table.is_left_alone(first)
        level, state = (logging.WARNING, "left alone") if is_left_alone else (logging.ERROR, "in error")
        if len(names) == 1:
            _log.log(level, "The '%s' function is %s: %s", names[0], state, error)
        else:
            _log.log(level, "%d functions are %s, %s: %s", len(names), state, ", ".join(names), error)


def describe(function: Function, base: str, route_prefix: str) -> str:
    """Return methods and address of an HTTP function, or the type of another one's trigger."""
    if not function.is_http:
        return str(function.trigger["type"])
    methods = f"[{','.join(function.methods)}] " if function.methods else ""
    return f"{methods}{admin.invoke_url(base, function, route_prefix)}"


def _described(instance: AppInstance, base: str) -> dict[str, str]:
    prefix = instance.configuration.route_prefix
    return {function.name: describe(function, base, prefix) for function in instance.table.functions}


def _differences(before: dict[str, str], now: dict[str, str]) -> list[str]:
    added = [f"  + {name}: {text}" for name, text in now.items() if name not in before]
    changed = [f"  ~ {name}: {text}" for name, text in now.items() if before.get(name, text) != text]
    removed = [f"  - {name}" for name in before if name not in now]
    return added + changed + removed
