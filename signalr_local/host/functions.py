"""The functions of an app, as its decorators declare them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from serverless_signalr.protocol.names import DEFAULT_CONNECTION

__all__ = ["Binding", "Event", "Function", "connection_setting", "is_of_a_hub", "is_type"]

HTTP_TRIGGER = "httpTrigger"
SIGNALR_TRIGGER = "signalRTrigger"
TIMER_TRIGGER = "timerTrigger"
CONNECTION_INFO = "signalRConnectionInfo"
NEGOTIATION = "signalRNegotiation"
ENDPOINTS = "signalREndpoints"
SIGNALR_OUTPUT = "signalR"
HTTP_OUTPUT = "http"

OF_A_HUB = {SIGNALR_TRIGGER, CONNECTION_INFO, NEGOTIATION, ENDPOINTS, SIGNALR_OUTPUT}
type Event = tuple[str, str, str]
"""Hub, category and event, in lower case: what the service's requests are matched by."""

type Binding = Mapping[str, Any]


@dataclass(frozen=True)
class Function:
    """Describe one function: its trigger, its inputs and its outputs."""

    id: str
    name: str
    trigger: Binding
    inputs: tuple[Binding, ...] = ()
    outputs: tuple[Binding, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] | None = None
    """What clients fill with a call: ``name``, ``type``, ``optional``, ``rest``; None if it is not known."""

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
            None if item.get("parameters") is None else tuple(item["parameters"]),
        )

    @cached_property
    def category(self) -> str:
        """The category of what the log says of the function."""
        return f"Function.{self.name}"

    @cached_property
    def messages(self) -> tuple[Binding, ...]:
        """The outputs for the clients of a hub."""
        return tuple(one for one in self.outputs if is_type(one, SIGNALR_OUTPUT))

    @cached_property
    def responses(self) -> tuple[str, ...]:
        """The names of the outputs for the caller of an HTTP function."""
        return tuple(str(one["name"]) for one in self.outputs if is_type(one, HTTP_OUTPUT))

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """Return all bindings, the trigger first."""
        return self.trigger, *self.inputs, *self.outputs

    @property
    def is_http(self) -> bool:
        """Tell whether an HTTP request runs the function."""
        return is_type(self.trigger, HTTP_TRIGGER)

    @property
    def is_signalr(self) -> bool:
        """Tell whether an event of the service runs the function."""
        return is_type(self.trigger, SIGNALR_TRIGGER)

    @property
    def is_timer(self) -> bool:
        """Tell whether a schedule runs the function."""
        return is_type(self.trigger, TIMER_TRIGGER)

    @property
    def route(self) -> str:
        """Return the template that follows the route prefix."""
        return str(self.trigger.get("route") or self.name)

    @property
    def methods(self) -> list[str] | None:
        """Return the HTTP methods in upper case, None for all of them; an empty list is none at all."""
        methods = self.trigger.get("methods")
        return None if methods is None else [str(method).upper() for method in methods]


def is_type(binding: Binding, name: str) -> bool:
    """Tell whether a binding has a type, whose case is free."""
    return str(binding.get("type", "")).lower() == name.lower()


def is_of_a_hub(binding: Binding) -> bool:
    """Tell whether a binding is one of SignalR."""
    return any(is_type(binding, name) for name in OF_A_HUB)


def connection_setting(binding: Binding) -> str:
    """Return the name of the setting that says which service a SignalR binding uses."""
    return str(binding.get("connectionStringSetting") or DEFAULT_CONNECTION)
