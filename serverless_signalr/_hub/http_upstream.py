"""The HTTP function that receives the events of a hub."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from serverless_signalr._hub.methods import Filter, HubMethod
from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr._telemetry import OPENTELEMETRY, calling, modules
from serverless_signalr._upstream.receiver import Listener, Receiver, add_receiver
from serverless_signalr.bindings import Blueprint

__all__ = ["ServedHub", "add_upstream"]


class ServedHub(Protocol):
    """The interface of ServerlessHub for its HTTP upstream."""

    @property
    def hub_name(self) -> str:
        """Return the name of the hub."""

    @property
    def connection_setting(self) -> str:
        """Return the app setting that describes the connection."""

    @property
    def filters(self) -> Sequence[Filter]:
        """Return the filters around every event, outermost first."""

    @property
    def _methods(self) -> Sequence[HubMethod]: ...


def add_upstream(blueprint: Blueprint, hub: ServedHub, name: str, route: str) -> Callable[[], None]:
    """Add the HTTP function that receives a hub's events.

    Return a function to call when the hub gets more events.
    """

    def listeners() -> list[Listener]:
        hub_name, setting = hub.hub_name, hub.connection_setting
        return [
            Listener(hub_name, method.category, method.event, setting, _runner(hub, method))
            for method in hub._methods
        ]

    receiver = Receiver(f"the hub {hub.hub_name}", listeners())
    upstream = add_receiver(blueprint, receiver, name, route)
    # serverless_signalr.testing finds the function by this attribute.
    vars(upstream)["signalr_upstream"] = hub.hub_name
    return lambda: receiver.listen(listeners())


def _runner(hub: ServedHub, method: HubMethod) -> Callable[[SignalRInvocationContext], Any]:
    async def run(invocation: SignalRInvocationContext) -> object:
        if OPENTELEMETRY in modules:
            with calling(invocation.hub, invocation.category, invocation.event, invocation.headers):
                return await method.run(hub, invocation, hub.filters)
        return await method.run(hub, invocation, hub.filters)

    return run
