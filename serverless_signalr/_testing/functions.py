"""The functions of an app, a blueprint or a hub, found as the host finds them."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary

import azure.functions as func
from azure.functions.decorators.function_app import Function, FunctionBuilder

__all__ = ["App", "Functions", "functions_of"]

type App = Any
"""A hub, a FunctionApp or a Blueprint. The classes of azure.functions are accepted too."""

_TRIGGER = "signalrtrigger"
_SETTING = re.compile(r"%([^%]+)%")


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP function, and the pattern that its paths match."""

    function: Function
    methods: frozenset[str]
    template: str
    pattern: re.Pattern[str]

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parameters in a path, or None if the path does not match."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        # The host decodes everything except slashes.
        return {
            name: unquote(re.sub("%2f", "%252F", value, flags=re.IGNORECASE))
            for name, value in found.groupdict().items()
            if value is not None
        }


class Functions:
    """The functions of an app, by trigger."""

    def __init__(self, builders: list[FunctionBuilder], auth_level: Any) -> None:
        self._builders = builders
        self._auth_level = auth_level

    @cached_property
    def all(self) -> list[Function]:
        """Return all functions. Raise TypeError or ValueError for one that does not load in the host."""
        return [builder.build(self._auth_level) for builder in self._builders]

    def event(self, event: str, hub: str | None, category: str | None = None) -> Function | None:
        """Return the function of an event, or None. Raise LookupError if several hubs have the event."""
        wanted = event.lower()
        found = [
            function
            for function, trigger in self._events
            if _resolved(trigger.event).lower() == wanted
            and hub in (None, hub_of(trigger))
            and (category is None or str(trigger.category).lower() == category)
        ]
        if len(found) > 1:
            hubs = ", ".join(hub_of(function.get_trigger()) for function in found)
            raise LookupError(f"several hubs have the event {event}, choose one with hub=…: {hubs}")
        return found[0] if found else None

    @property
    def hubs(self) -> list[str]:
        """Return the names of the hubs that have triggers."""
        return list(dict.fromkeys(hub_of(trigger) for _, trigger in self._events))

    @property
    def events(self) -> list[str]:
        """Return the names of the events."""
        return [_resolved(trigger.event) for _, trigger in self._events]

    def route(self, method: str, path: str) -> tuple[Function, dict[str, str]]:
        """Return the HTTP function of a path, and the parameters. Raise LookupError if there is none."""
        found = [(route, params) for route in self._routes if (params := route.match(path)) is not None]
        for route, params in found:
            if method.upper() in route.methods:
                return route.function, params
        if found:
            allowed = ", ".join(sorted({item for route, _ in found for item in route.methods}))
            raise LookupError(f"no function for {method} {path}: the route accepts {allowed}")
        known = ", ".join(route.template for route in self._routes) or "none"
        raise LookupError(f"no function for {method} {path}; the routes are {known}")

    def timer(self, name: str) -> tuple[Function, Any]:
        """Return a timer function by name, and its trigger. Raise LookupError if there is none."""
        timers = [
            (function, trigger)
            for function in self.all
            if (trigger := _trigger(function)) is not None and str(trigger.type).lower() == "timertrigger"
        ]
        for function, trigger in timers:
            if (function.get_function_name() or "").lower() == name.lower():
                return function, trigger
        known = ", ".join(function.get_function_name() or "" for function, _ in timers) or "none"
        raise LookupError(f"no timer function is named {name}; the timer functions are {known}")

    @cached_property
    def upstream(self) -> tuple[Function, str] | None:
        """Return the HTTP function that receives the events of a hub, and the name of that hub."""
        for route in self._routes:
            hub = getattr(route.function.get_user_function(), "signalr_upstream", None)
            if hub is not None:
                return route.function, str(hub)
        return None

    def upstream_of(self, hub: str) -> Function | None:
        """Return the HTTP function that receives the events of a hub."""
        found = self.upstream
        return found[0] if found is not None and found[1].lower() == hub.lower() else None

    @cached_property
    def _events(self) -> list[tuple[Function, Any]]:
        return [
            (function, trigger)
            for function in self.all
            if (trigger := _trigger(function)) is not None and str(trigger.type).lower() == _TRIGGER
        ]

    @cached_property
    def _routes(self) -> list[Route]:
        routes = []
        for function in self.all:
            trigger = _trigger(function)
            if trigger is None or str(trigger.type).lower() != "httptrigger":
                continue
            template = trigger.route or function.get_function_name() or ""
            methods = frozenset(str(getattr(item, "value", item)).upper() for item in trigger.methods or ())
            routes.append(Route(function, methods or _ALL, template, _pattern(template)))
        # The host prefers the more specific route: text, then parameters, then catch-alls.
        return sorted(routes, key=lambda route: _weight(route.template), reverse=True)


_ALL = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

_known: "WeakKeyDictionary[Any, tuple[int, Functions]]" = WeakKeyDictionary()


def functions_of(app: App) -> Functions:
    """Return the functions of an app, a blueprint or a hub. Raise TypeError for anything else."""
    if isinstance(app, type):
        raise TypeError(f"{app.__name__} is a class: pass {app.__name__}()")
    container = getattr(app, "blueprint", app)
    builders = getattr(container, "_function_builders", None)
    if builders is None:
        raise TypeError(f"{app!r} is not an app: pass a FunctionApp, a Blueprint or a hub")
    known = _known.get(container)
    if known is None or known[0] != len(builders):
        level = getattr(container, "auth_level", func.AuthLevel.FUNCTION)
        known = len(builders), Functions(list(builders), level)
        _known[container] = known
    return known[1]


def hub_of(trigger: Any, settings: Mapping[str, str] = os.environ) -> str:
    """Return the hub of a binding, with app settings (``%NAME%``) replaced."""
    name = getattr(trigger, "hub_name", None) or getattr(trigger, "hubName", "")
    return _resolved(name, settings)


def _resolved(text: object, settings: Mapping[str, str] = os.environ) -> str:
    return _SETTING.sub(lambda found: settings.get(found[1], found[0]), str(text))


def _trigger(function: Function) -> Any:
    return function.get_trigger()


def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    for part in filter(None, template.strip("/").split("/")):
        found = re.fullmatch(r"\{(\*{0,2})(\w+)(?::([^}?=]+))?(\?|=[^}]*)?\}", part)
        if found is None:
            pieces = re.split(r"\{(\w+)(?::[^}]*)?\}", part)
            text = "".join(
                f"(?P<{piece}>[^/]+?)" if index % 2 else re.escape(piece)
                for index, piece in enumerate(pieces)
            )
            parts.append(f"/{text}")
        elif found[1]:
            parts.append(f"(?:/(?P<{found[2]}>.*))?")
        else:
            kind = {"int": r"-?\d+", "long": r"-?\d+", "guid": r"[0-9a-fA-F-]{32,38}", "alpha": "[A-Za-z]+"}
            value = kind.get(found[3] or "", "[^/]+")
            parts.append(f"(?:/(?P<{found[2]}>{value}))?" if found[4] else f"/(?P<{found[2]}>{value})")
    return re.compile("".join(parts) or "/?", re.IGNORECASE)


def _weight(template: str) -> list[int]:
    return [2 if "{" not in part else 0 if "{*" in part else 1 for part in template.strip("/").split("/")]


def bindings(function: Function) -> Iterator[Any]:
    """Yield the bindings of a function except its trigger."""
    for binding in function.get_bindings():
        if binding is not function.get_trigger():
            yield binding
