"""The functions that run, found by request and by event, and the rules of the real host for them.

Source of the name rules: Azure/azure-functions-host, Utility.cs. The worker library does not check them:
an app that breaks one would run here and fail in Azure.
"""

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from serverless_signalr._connection.settings import check_instances, read_instances
from serverless_signalr.protocol.names import check_hub_name
from serverless_signalr.protocol.upstream import CONNECTED, DISCONNECTED, Category
from signalr_local.host.azure_bindings import is_of_azure_only
from signalr_local.host.expressions import resolve_settings
from signalr_local.host.functions import (
    HTTP_OUTPUT,
    HTTP_TRIGGER,
    OF_A_HUB,
    TIMER_TRIGGER,
    Binding,
    Event,
    Function,
    connection_setting,
    is_of_a_hub,
    is_type,
)
from signalr_local.host.routes import Route, RouteError
from signalr_local.host.schedules import Schedule, parse_schedule
from signalr_local.host.settings import Settings
from signalr_local.host.transports import check_transport
from signalr_local.host.whole_app import does_not_start, names_that_clash, prefix_problem, route_problem

__all__ = ["FunctionTable"]

_FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,127}", re.IGNORECASE)
_BINDING_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}|\$return")
_KNOWN = {HTTP_TRIGGER, HTTP_OUTPUT, TIMER_TRIGGER, *OF_A_HUB}

_RESERVED_ROUTES = ("admin", "runtime")


@dataclass(slots=True)
class FunctionTable:
    """Find functions by request and by event.

    ``errors`` are the functions that cannot run, with why; ``fatal`` is what takes the whole app down in
    Azure. ``everything`` has the functions that are disabled, left out or in error too.
    """

    functions: list[Function] = field(default_factory=list)
    disabled: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    fatal: list[str] = field(default_factory=list)
    everything: list[Function] = field(default_factory=list)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    _routes: list[tuple[Route, Function]] = field(default_factory=list)
    _events: dict[Event, Function] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        functions: Iterable[Function],
        route_prefix: str,
        settings: Settings,
        allowed: Collection[str] = (),
    ) -> "FunctionTable":
        """Take up the functions in the order of their names; one that breaks a rule becomes an error.

        ``allowed`` are the names of host.json's ``functions``: of several, the others do not run.
        """
        table = cls()
        table.everything = sorted(functions, key=lambda item: item.name.lower())
        lowered = {name.lower() for name in allowed}
        for function in table.everything:
            if function.is_timer:
                # One that is disabled can be fired by hand all the same.
                with suppress(ValueError):
                    table.schedules[function.name] = _schedule(function, settings)
            if lowered and function.name.lower() not in lowered:
                table.left_out.append(function.name)
                continue
            if _is_disabled(function.name, settings):
                table.disabled.append(function.name)
                continue
            try:
                table._add(function, route_prefix, settings)
            except RouteError as error:
                table.fatal.append(
                    prefix_problem(route_prefix, str(error))
                    or route_problem(function.name, function.route, route_prefix, str(error))
                )
            except ValueError as error:
                table.errors[function.name] = str(error)
        # A prefix that is wrong is so for every function.
        clashes = names_that_clash(function.name for function in table.everything)
        table.fatal = list(dict.fromkeys([*clashes, *table.fatal]))
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

    def find(self, name: str) -> Function | None:
        """Return the function of a name in any case, whether it runs or not."""
        return next((item for item in self.everything if item.name.lower() == name.lower()), None)

    def runs_elsewhere(self, function: Function) -> bool:
        """Tell whether a function is in error only because the local runtime has no such trigger."""
        return is_of_azure_only(str(function.trigger.get("type", "")))

    def is_left_alone(self, function: Function) -> bool:
        """Tell whether nothing is wrong with a function but that the local runtime has no such binding."""
        kinds = {str(binding.get("type", "")) for binding in function.bindings}
        error = self.errors.get(function.name)
        return error is not None and error in map(_unknown, filter(is_of_azure_only, kinds))

    def _add(self, function: Function, route_prefix: str, settings: Settings) -> None:
        _check_names(function)
        if function.is_http:
            self._add_route(function, route_prefix)
        elif function.is_signalr:
            self._add_event(function, settings)
        elif function.is_timer:
            _schedule(function, settings)
        self.functions.append(function)

    def _add_route(self, function: Function, route_prefix: str) -> None:
        is_named = "route" in function.trigger and function.route != function.name
        if is_named and function.route.lstrip("/").lower().startswith(_RESERVED_ROUTES):
            raise ValueError(
                "The specified route conflicts with one or more built in routes: "
                f"{function.route} starts with admin or runtime."
            )
        route = Route(
            f"{route_prefix}/{function.route}" if route_prefix else function.route, function.methods
        )
        for other, holder in self._routes:
            if other.key == route.key and _overlap(other, route):
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
            self.fatal.append(
                does_not_start(
                    f"{function.name}: Category {category} is not supported, write connections or messages"
                )
            )
            return
        if category.lower() == Category.CONNECTIONS and event.lower() not in (CONNECTED, DISCONNECTED):
            raise ValueError(
                f"Event {event} is not supported in connections: it is connected or disconnected."
            )
        if not event:
            raise ValueError("The SignalR trigger has no event.")
        _check_parameter_names(function.trigger)
        instances = read_instances(connection_setting(function.trigger), settings)
        check_instances(instances)
        check_transport(instances, settings)
        key = (hub.lower(), category.lower(), event.lower())
        if key in self._events:
            self.fatal.append(
                does_not_start(
                    f"{self._events[key].name} and {function.name} listen to one event (Duplicated key "
                    "parameter "
                    f"hub: {hub}, category: {category}, event: {event}): let one of them call the other"
                )
            )
            return
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
            raise ValueError(_unknown(str(binding["type"])))
        if is_of_a_hub(binding) and not binding.get("hubName"):
            raise ValueError(f"The {binding['type']} binding {binding['name']} names no hub (hubName).")


def _overlap(one: Route, other: Route) -> bool:
    return one.methods is None or other.methods is None or bool(one.methods & other.methods)


def _is_disabled(name: str, settings: Settings) -> bool:
    value = settings.get(f"AzureWebJobs.{name}.Disabled") or settings.get(f"AzureWebJobs_{name}_Disabled")
    return (value or "").lower() in ("1", "true")


def _unknown(kind: str) -> str:
    if is_of_azure_only(kind):
        return (
            f"The binding type {kind} does not run in the local runtime; the function runs in Azure and "
            "with func start."
        )
    return (
        f"The binding type(s) '{kind}' are not registered. Please ensure the type is correct and the binding "
        "extension is installed."
    )


def _check_parameter_names(trigger: Binding) -> None:
    names = trigger.get("parameterNames")
    if names is None:
        return
    if not isinstance(names, list):
        raise ValueError(
            f"Unable to configure binding '{trigger['name']}' of type 'signalRTrigger': parameterNames "
            "must be a "
            f"list of texts, got {type(names).__name__} {names!r}."
        )
    if len({str(name).lower() for name in names}) < len(names):
        raise ValueError("Elements in ParameterNames should be ignore case unique.")


def _schedule(function: Function, settings: Settings) -> Schedule:
    return parse_schedule(resolve_settings(str(function.trigger.get("schedule") or ""), settings))
