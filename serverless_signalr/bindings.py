"""Decorators of the v2 programming model for the SignalR bindings.

They emit the same metadata as azure-functions' generic decorators, and pass typed values to the function.
Source for the properties of every binding:
https://learn.microsoft.com/azure/azure-functions/functions-bindings-signalr-service.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import azure.functions as func
from azure.functions.decorators.function_app import DecoratorApi, Function, FunctionBuilder

from serverless_signalr._functions import converter
from serverless_signalr._functions.adapter import RETURN
from serverless_signalr._functions.builder import InputBinding, OutputBinding, TriggerBinding, function_name
from serverless_signalr._functions.checks import (
    check_binding_name,
    check_called,
    check_event,
    check_hub,
    check_parameter_names,
)
from serverless_signalr._functions.event_names import category_of, check_event_name
from serverless_signalr._functions.registry import Decorator
from serverless_signalr._functions.signature import name_of
from serverless_signalr._negotiation.decorator import NegotiateApi
from serverless_signalr.protocol.names import to_camel_case

if TYPE_CHECKING:
    from serverless_signalr._upstream.triggers import TriggerUpstream

__all__ = ["Blueprint", "FunctionApp"]

converter.register()

_INVOCATION = "invocation"


class HasBlueprint(Protocol):
    """A hub, whose functions are in a blueprint."""

    @property
    def blueprint(self) -> "Blueprint":
        """Return the blueprint with the functions."""
        ...


class SignalRApi(NegotiateApi):
    """The SignalR decorators of a function app or a blueprint.

    ``hub`` and ``connection`` are the defaults of its decorators.
    """

    def __init__(
        self, *args: Any, hub: str | None = None, connection: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._hub = hub
        self._connection = connection

    def signalr_trigger(
        self,
        arg_name: str | None = None,
        *,
        hub: str | None = None,
        event: str | None = None,
        category: str | None = None,
        parameter_names: Sequence[str] | None = None,
        connection: str | None = None,
    ) -> Decorator:
        """Run the function when a client connects, disconnects or sends a message.

        The parameter ``arg_name`` receives the SignalRInvocationContext. Without ``arg_name``, it is the
        parameter annotated with that class, if there is one. In the category ``messages``, every other
        parameter that belongs to no binding receives an argument of the call, by position and converted to
        its annotation. A call that does not fit is answered with an error that describes the parameters. The
        return value is the result of the client's ``invoke``. A HubException is sent to the client as an
        error; any other exception becomes a generic error. ``requires`` restricts who may call.

        ``event`` is the name of the method that clients call, by default the function's name in camelCase.
        The events ``connected`` and ``disconnected`` have the category ``connections``, all others
        ``messages``. If ``category`` is ``messages``, they are methods that clients call too. ``hub``,
        ``event`` and ``category`` may be app settings, ``%NAME%``. ``connection`` is the app setting, or the
        prefix of the settings, that describes the connection. ``parameter_names`` names the arguments for
        binding expressions in other bindings of the function; with it the host refuses calls with any other
        number of arguments, with its own error message.
        """
        check_called("signalr_trigger", arg_name)

        def configure(builder: FunctionBuilder) -> None:
            name = function_name(builder)
            binding_name = _INVOCATION if arg_name is None else arg_name
            check_binding_name(name, binding_name)
            hub_name = self._hub_name(name, "signalr_trigger", hub)
            written = name_of(builder._function.get_user_function())
            event_name = to_camel_case(written) if event is None else event
            if category is None:
                check_event_name(f"the function {name}", event_name)
            kind = str(category or category_of(event_name))
            check_event(name, kind, event_name)
            check_parameter_names(name, parameter_names or ())
            self._claim_event(builder, hub_name, kind, event_name)
            trigger = TriggerBinding(
                name=binding_name,
                type=converter.TRIGGER_TYPE,
                hub_name=hub_name,
                category=kind,
                event=event_name,
                parameter_names=None if parameter_names is None else list(parameter_names),
                connection_string_setting=connection or self._connection,
            )
            trigger.is_default = arg_name is None
            builder.add_trigger(trigger)

        return self._decorate(configure)

    def signalr_connection_info_input(
        self,
        arg_name: str = "info",
        *,
        hub: str | None = None,
        user_id: str | None = None,
        id_token: str | None = None,
        claim_type_list: Sequence[str] | None = None,
        connection: str | None = None,
    ) -> Decorator:
        """Pass the function a SignalRConnectionInfo, the response of a negotiate function.

        ``user_id`` and ``id_token`` are binding expressions, such as ``{headers.x-ms-client-principal-id}``.
        The invocation fails if one names a missing header or query parameter. The claims of ``id_token``
        whose types are in ``claim_type_list`` are added to the access token. The host does not verify the
        signature of ``id_token``.
        """
        return self._binding(
            InputBinding,
            "signalr_connection_info_input",
            "signalRConnectionInfo",
            arg_name,
            hub,
            connection,
            user_id=user_id,
            id_token=id_token,
            claim_type_list=claim_type_list and list(claim_type_list),
        )

    def signalr_negotiation_input(
        self,
        arg_name: str = "negotiation",
        *,
        hub: str | None = None,
        user_id: str | None = None,
        id_token: str | None = None,
        claim_type_list: Sequence[str] | None = None,
        connection: str | None = None,
    ) -> Decorator:
        """Pass the function a SignalRNegotiation, with the connection info of every endpoint.

        The other parameters are those of ``signalr_connection_info_input``.
        """
        return self._binding(
            InputBinding,
            "signalr_negotiation_input",
            "signalRNegotiation",
            arg_name,
            hub,
            connection,
            user_id=user_id,
            id_token=id_token,
            claim_type_list=claim_type_list and list(claim_type_list),
        )

    def signalr_endpoints_input(
        self, arg_name: str = "endpoints", *, hub: str | None = None, connection: str | None = None
    ) -> Decorator:
        """Pass the function a list of SignalREndpoint, the instances of the service and their state."""
        return self._binding(
            InputBinding, "signalr_endpoints_input", "signalREndpoints", arg_name, hub, connection
        )

    def signalr_output(
        self, arg_name: str = "outbox", *, hub: str | None = None, connection: str | None = None
    ) -> Decorator:
        """Pass the function a SignalROutput that collects messages and group actions.

        With ``$return`` as ``arg_name``, the function returns a SignalRMessage, a SignalRGroupAction or a
        list of them instead.
        """
        return self._binding(OutputBinding, "signalr_output", "signalR", arg_name, hub, connection)

    def _binding(
        self,
        make: type[InputBinding | OutputBinding],
        decorator: str,
        type_: str,
        arg_name: str,
        hub: str | None,
        connection: str | None,
        **properties: Any,
    ) -> Decorator:
        check_called(decorator, arg_name)

        def configure(builder: FunctionBuilder) -> None:
            name = function_name(builder)
            if make is not OutputBinding or arg_name != RETURN:
                check_binding_name(name, arg_name)
            binding = make(
                name=arg_name,
                type=type_,
                hub_name=self._hub_name(name, decorator, hub),
                **properties,
                connection_string_setting=connection or self._connection,
            )
            builder.add_binding(binding)

        return self._decorate(configure)

    def _hub_name(self, function: str, decorator: str, hub: str | None) -> str:
        name = self._hub if hub is None else hub
        if name is None:
            raise TypeError(
                f"the function {function}: {decorator} needs the name of a hub: {decorator}(hub=…), or "
                f"{type(self).__name__}(hub=…) for all of its functions"
            )
        check_hub(function, name)
        return name


class Blueprint(SignalRApi, func.Blueprint):
    """A blueprint with the SignalR decorators in addition to those of azure.functions.

    ``hub`` and ``connection`` are the defaults of the SignalR decorators. ``connection`` is the app setting,
    or the prefix of the settings, that describes the connection.
    """


class FunctionApp(SignalRApi, func.FunctionApp):
    """A function app with the SignalR decorators in addition to those of azure.functions.

    ``hub`` and ``connection`` are the defaults of the SignalR decorators. ``connection`` is the app setting,
    or the prefix of the settings, that describes the connection. Other arguments are passed to
    azure.functions.FunctionApp.
    """

    _upstream: "TriggerUpstream | None" = None

    def add_signalr_upstream(self, route: str | None = "upstream") -> None:
        """Add the HTTP function ``POST <route>``, which receives the events of all SignalR triggers.

        Use it instead of the host's webhook: point an upstream rule of the service to it, and no system key
        is needed. The function verifies the signatures of requests, which are made with the access key, so it
        does not work with a managed identity. The triggers run the same functions, and the library sends
        their outputs. These functions can have no bindings except SignalR outputs. Without a route, nothing
        is added.
        """
        if self._upstream is not None:
            raise TypeError("the app has a SignalR upstream already: call add_signalr_upstream once")
        if route:
            from serverless_signalr._upstream.triggers import TriggerUpstream

            self._upstream = TriggerUpstream(self, route)

    def get_functions(self) -> list[Function]:
        """Return the functions of the app, as the worker asks for them."""
        functions: list[Function] = super().get_functions()
        if self._upstream is not None:
            self._upstream.serve(functions)
        return functions

    def register_functions(self, function_container: "DecoratorApi | HasBlueprint") -> None:
        """Register the functions of a blueprint or a hub. Raise ValueError if an event has two functions."""
        if isinstance(function_container, type):
            raise TypeError(
                f"register_functions takes a hub, not its class: pass {function_container.__name__}()"
            )
        container: Any = getattr(function_container, "blueprint", function_container)
        if isinstance(container, SignalRApi):
            for event, builder in container._signalr_events.items():
                self._claim_event(builder, *event)
            container._is_registered = True
        super().register_functions(container)

    register_blueprint = register_functions
