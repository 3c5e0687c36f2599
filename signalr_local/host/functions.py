"""The functions of an app, as its decorators declare them, and the rules of the real host for them.

Source of the name rules: Azure/azure-functions-host, Utility.cs. The worker library does not check them:
an app that breaks one would run here and fail in Azure.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serverless_signalr._connection.settings import DEFAULT_CONNECTION, check_instances, read_instances
from serverless_signalr.protocol.names import check_hub_name
from serverless_signalr.protocol.upstream import CONNECTED, DISCONNECTED, Category
from signalr_local.host.expressions import ExpressionError, resolve_settings
from signalr_local.host.routes import Route, RouteError
from signalr_local.host.settings import Settings

__all__ = ["Event", "Function", "FunctionTable"]

HTTP_TRIGGER = "httpTrigger"
SIGNALR_TRIGGER = "signalRTrigger"
CONNECTION_INFO = "signalRConnectionInfo"
NEGOTIATION = "signalRNegotiation"
ENDPOINTS = "signalREndpoints"
SIGNALR_OUTPUT = "signalR"
HTTP_OUTPUT = "http"

_FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,127}", re.IGNORECASE)
_BINDING_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}|\$return")
_OF_A_HUB = {SIGNALR_TRIGGER, CONNECTION_INFO, NEGOTIATION, ENDPOINTS, SIGNALR_OUTPUT}
_KNOWN = {HTTP_TRIGGER, HTTP_OUTPUT, *_OF_A_HUB}
_RESERVED_ROUTES = ("admin", "runtime")

type Event = tuple[str, str, str]
"""Hub, category and event, in lower case: what the service's requests are matched by."""

type Binding = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """Describe one function: its trigger, its inputs and its outputs."""

    id: str
    name: str
    trigger: Binding
    inputs: tuple[Binding, ...] = ()
    outputs: tuple[Binding, ...] = ()

    @classmethod
    def from_metadata(cls, item: Mapping[str, Any]) -> "Function":
        """Read what the worker lists."""
        bindings: list[Binding] = item["bindings"]
        trigger = next((one for one in bindings if str(one["type"]).lower().endswith("trigger")), {})
        others = [one for one in bindings if one is not trigger]
        return cls(
            item["id"],
            item["name"],
            trigger,
            tuple(one for one in others if str(one["direction"]).upper() == "IN"),
            tuple(one for one in others if str(one["direction"]).upper() == "OUT"),
        )

    @property
    def is_http(self) -> bool:
        """Tell whether an HTTP request runs the function."""
        return is_type(self.trigger, HTTP_TRIGGER)

    @property
    def is_signalr(self) -> bool:
        """Tell whether an event of the service runs the function."""
        return is_type(self.trigger, SIGNALR_TRIGGER)

    @property
    def route(self) -> str:
        """Return the template that follows the route prefix."""
        return str(self.trigger.get("route") or self.name)

    @property
    def methods(self) -> list[str] | None:
        """Return the HTTP methods in upper case, None for all of them."""
        methods = self.trigger.get("methods")
        return [str(method).upper() for method in methods] if methods else None


def is_type(binding: Binding, name: str) -> bool:
    """Tell whether a binding has a type, whose case is free."""
    return str(binding.get("type", "")).lower() == name.lower()


def is_of_a_hub(binding: Binding) -> bool:
    """Tell whether a binding is one of SignalR."""
    return any(is_type(binding, name) for name in _OF_A_HUB)


def connection_setting(binding: Binding) -> str:
    """Return the name of the setting that says which service a SignalR binding uses."""
    return str(binding.get("connectionStringSetting") or DEFAULT_CONNECTION)


@dataclass(slots=True)
class FunctionTable:
    """Find functions by request and by event; ``errors`` are the functions that cannot run, with why."""

    functions: list[Function] = field(default_factory=list)
    disabled: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    _routes: list[tuple[Route, Function]] = field(default_factory=list)
    _events: dict[Event, Function] = field(default_factory=dict)

    @classmethod
    def build(cls, functions: Iterable[Function], route_prefix: str, settings: Settings) -> "FunctionTable":
        """Take up the functions in the order of their names; one that breaks a rule becomes an error."""
        table = cls()
        for function in sorted(functions, key=lambda item: item.name.lower()):
            if _is_disabled(function.name, settings):
                table.disabled.append(function.name)
                continue
            try:
                table._add(function, route_prefix, settings)
            except (ValueError, ExpressionError) as error:
                table.errors[function.name] = str(error)
        return table

    def by_request(self, path: str, method: str) -> tuple[Function, dict[str, str]] | None:
        """Return the first function whose route takes a raw path, and the route's values."""
        for route, function in self._routes:
            values = route.match(path, method)
            if values is not None:
                return function, values
        return None

    def by_event(self, hub: str, category: str, event: str) -> Function | None:
        """Return the function that listens to an event."""
        return self._events.get((hub.lower(), category.lower(), event.lower()))

    @property
    def events(self) -> list[Event]:
        """Return every event that has a function."""
        return list(self._events)

    def _add(self, function: Function, route_prefix: str, settings: Settings) -> None:
        _check_names(function)
        if function.is_http:
            self._add_route(function, route_prefix)
        elif function.is_signalr:
            self._add_event(function, settings)
        self.functions.append(function)

    def _add_route(self, function: Function, route_prefix: str) -> None:
        template = f"{route_prefix}/{function.route.lstrip('/')}".strip("/")
        if template.split("/")[0].lower() in _RESERVED_ROUTES:
            raise ValueError(
                "The specified route conflicts with one or more built in routes: "
                f"{template} starts with admin or runtime."
            )
        try:
            route = Route(template, function.methods)
        except RouteError as error:
            raise ValueError(str(error)) from None
        for other, holder in self._routes:
            if other.template.lower() == route.template.lower() and _overlap(other, route):
                raise ValueError(
                    f"The route specified conflicts with the route defined by function '{holder.name}'."
                )
        self._routes.append((route, function))

    def _add_event(self, function: Function, settings: Settings) -> None:
        hub, category, event = (
            resolve_settings(str(function.trigger.get(name) or ""), settings)
            for name in ("hubName", "category", "event")
        )
        check_hub_name(hub)
        if category.lower() not in tuple(Category):
            raise ValueError(f"Category {category} is not supported: it is connections or messages.")
        if category.lower() == Category.CONNECTIONS and event.lower() not in (CONNECTED, DISCONNECTED):
            raise ValueError(
                f"Event {event} is not supported in connections: it is connected or disconnected."
            )
        if not event:
            raise ValueError("The SignalR trigger has no event.")
        check_instances(read_instances(connection_setting(function.trigger), settings))
        key = (hub.lower(), category.lower(), event.lower())
        if key in self._events:
            raise ValueError(
                f"Duplicated key parameter hub: {hub}, category: {category}, event: {event}: "
                f"function '{self._events[key].name}' has it already."
            )
        self._events[key] = function


def _check_names(function: Function) -> None:
    if not _FUNCTION_NAME.fullmatch(function.name) or function.name.lower() == "host":
        raise ValueError(
            f"'{function.name}' is not a valid function name: it starts with a letter and goes on with up "
            "to 127 letters, digits, hyphens and underscores, and is not 'host'."
        )
    if not function.trigger:
        raise ValueError("The function has no trigger.")
    for binding in (function.trigger, *function.inputs, *function.outputs):
        if not _BINDING_NAME.fullmatch(str(binding["name"])):
            raise ValueError(
                f"The binding name {binding['name']} is invalid. Please assign a valid name to the binding: "
                "a letter followed by letters and digits; an underscore fails in Azure."
            )
        if not any(is_type(binding, name) for name in _KNOWN):
            raise ValueError(f"The binding type {binding['type']} does not run in the local runtime.")
        if is_of_a_hub(binding) and not binding.get("hubName"):
            raise ValueError(f"The {binding['type']} binding {binding['name']} names no hub (hubName).")


def _overlap(one: Route, other: Route) -> bool:
    return one.methods is None or other.methods is None or bool(one.methods & other.methods)


def _is_disabled(name: str, settings: Settings) -> bool:
    value = settings.get(f"AzureWebJobs.{name}.Disabled") or settings.get(f"AzureWebJobs_{name}_Disabled")
    return (value or "").lower() in ("1", "true")
