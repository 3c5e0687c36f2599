"""An HTTP function that runs the SignalR triggers of an app, and sends their outputs instead of the host.

The functions are unchanged, and their triggers still listen to the host's webhook. The upstream rules of the
service decide which of the two receives an event.
"""

import inspect
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.functions.decorators.core import Binding
from azure.functions.decorators.function_app import Function

from serverless_signalr._functions.adapter import RETURN
from serverless_signalr._functions.builder import OutputBinding, TriggerBinding
from serverless_signalr._functions.converter import TRIGGER_TYPE
from serverless_signalr._invocation import to_thread
from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr._upstream.outputs import send_items
from serverless_signalr._upstream.receiver import HasRoutes, Listener, Receiver, add_receiver
from serverless_signalr.connection import service_connection
from serverless_signalr.protocol.names import DEFAULT_CONNECTION

if TYPE_CHECKING:
    from serverless_signalr.rest import ServiceClient

__all__ = ["TriggerUpstream"]

NAME = "signalr_upstream"
"""The name of the HTTP function."""

_SETTING = re.compile(r"%([^%]+)%")


class TriggerUpstream:
    """The HTTP function of an app that receives the events of its SignalR triggers."""

    def __init__(self, app: HasRoutes, route: str) -> None:
        self._receiver = Receiver("the app", ())
        add_receiver(app, self._receiver, NAME, route)

    def serve(self, functions: Iterable[Function]) -> None:
        """Listen to the events of all SignalR triggers among the functions.

        Raise TypeError for a function with other bindings than SignalR outputs, which only the host can fill.
        Raise ValueError if two functions listen to one event, or if a name is an app setting that is not set.
        """
        found: dict[tuple[str, ...], str] = {}
        listeners = []
        for function in functions:
            if str(getattr(function.get_trigger(), "type", "")).lower() != TRIGGER_TYPE.lower():
                continue
            listener = _Trigger.of(function).listener()
            key = tuple(text.lower() for text in (listener.hub, listener.category, listener.event))
            name = function.get_function_name() or ""
            if (other := found.setdefault(key, name)) != name:
                raise ValueError(
                    f"the functions {other} and {name} both listen to hub {listener.hub!r}, event "
                    f"{listener.event!r}: one event has one function"
                )
            listeners.append(listener)
        self._receiver.listen(listeners)


class _Collected:
    """The items that an adapted function passes to an output."""

    def __init__(self) -> None:
        self.items: Sequence[Mapping[str, Any]] = ()

    def set(self, items: Sequence[Mapping[str, Any]]) -> None:
        self.items = items


@dataclass(frozen=True, slots=True)
class _Trigger:
    """A function with a SignalR trigger, and the REST clients of its outputs by name."""

    trigger: TriggerBinding
    function: Any
    outputs: Mapping[str, "ServiceClient"]

    @classmethod
    def of(cls, function: Function) -> "_Trigger":
        name = function.get_function_name() or ""
        trigger = function.get_trigger()
        if not isinstance(trigger, TriggerBinding):
            raise TypeError(
                f"the function {name} declares its SignalR trigger with generic_trigger, which the HTTP "
                "upstream cannot serve: use signalr_trigger of serverless_signalr"
            )
        outputs: dict[str, ServiceClient] = {}
        for binding in function.get_bindings():
            if binding is trigger:
                continue
            if not isinstance(binding, OutputBinding):
                raise TypeError(
                    f"the function {name} has the binding {binding.name} ({binding.type}), which only the "
                    "host can fill: behind the HTTP upstream, use only a SignalR trigger and SignalR "
                    "outputs, and access everything else in code"
                )
            hub = _resolve(name, str(_property(binding, "hub_name")))
            outputs[str(binding.name)] = service_connection(_connection(binding)).client(hub)
        written = function.get_user_function()
        if "context" in inspect.signature(written).parameters:
            raise TypeError(
                f"the function {name} takes the worker's context, which the HTTP upstream does not have"
            )
        return cls(trigger, written, outputs)

    def listener(self) -> Listener:
        hub, category, event = (
            _resolve(self.function.__name__, str(_property(self.trigger, name)))
            for name in ("hub_name", "category", "event")
        )
        return Listener(hub, category, event, _connection(self.trigger), self.run)

    async def run(self, invocation: SignalRInvocationContext) -> object:
        """Run the function, then send its outputs in order, as the host does."""
        collected = {name: _Collected() for name in self.outputs if name != RETURN}
        values = {str(self.trigger.name): invocation, **collected}
        if inspect.iscoroutinefunction(self.function):
            result = await self.function(**values)
        else:
            result = await to_thread(self.function, **values)
        for name, client in self.outputs.items():
            items = result or () if name == RETURN else collected[name].items
            await send_items(client, items)
        return result


def _property(binding: Binding, name: str) -> object:
    return getattr(binding, name, None)


def _connection(binding: Binding) -> str:
    return str(_property(binding, "connection_string_setting") or DEFAULT_CONNECTION)


def _resolve(function: str, text: str) -> str:
    """Replace each ``%NAME%`` by the app setting, as the host does."""
    settings = {_key(name): value for name, value in os.environ.items()}

    def value(match: re.Match[str]) -> str:
        found = settings.get(_key(match[1]))
        if found is None:
            raise ValueError(f"the function {function}: the app setting {match[1]} is not set")
        return found

    return _SETTING.sub(value, text)


def _key(name: str) -> str:
    return name.replace("__", ":").lower()
