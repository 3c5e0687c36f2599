"""The SignalR bindings as decorators of the v2 programming model.

They emit the metadata that azure-functions' generic decorators emit, and hand typed values to the
function: see serverless_signalr.models. Source of every binding's properties:
https://learn.microsoft.com/azure/azure-functions/functions-bindings-signalr-service.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import azure.functions as func
from azure.functions.decorators.core import Binding
from azure.functions.decorators.function_app import DecoratorApi, Function, FunctionBuilder
from azure.functions.decorators.generic import GenericInputBinding, GenericOutputBinding, GenericTrigger

from serverless_signalr._functions import converter
from serverless_signalr._functions.adapter import RETURN, Bound, adapt
from serverless_signalr.protocol.names import check_hub_name
from serverless_signalr.protocol.upstream import CONNECTED, DISCONNECTED, Category

__all__ = ["Blueprint", "FunctionApp"]

converter.register()

type _Decorator = Callable[[Callable[..., Any]], Any]

_BINDING_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}")
_SETTING = re.compile(r"%[^%]+%")


class _TypedBinding(Binding):
    """Mark a binding as one of ours, among those declared with azure-functions' own decorators."""


class _Trigger(_TypedBinding, GenericTrigger):
    pass


class _Input(_TypedBinding, GenericInputBinding):
    pass


class _Output(_TypedBinding, GenericOutputBinding):
    pass


class _AdaptingBuilder(FunctionBuilder):
    """Adapt the function when it is built: only then are all of its bindings known."""

    def build(self, *args: Any, **kwargs: Any) -> Function:
        function = super().build(*args, **kwargs)
        bindings = function.get_bindings()
        typed = [binding for binding in bindings if isinstance(binding, _TypedBinding)]
        if typed and not hasattr(function, "_adapted"):
            function._func = adapt(
                function.get_user_function(),
                function.get_function_name() or "",
                [_bound(binding) for binding in typed],
                [binding.name for binding in bindings if binding not in typed],
            )
            function._adapted = True  # type: ignore[attr-defined]
        return function


def _bound(binding: Binding) -> Bound:
    return Bound(
        binding.name,
        str(binding.type),
        getattr(binding, "category", None),
        getattr(binding, "event", None),
    )


class SignalRApi(DecoratorApi):
    """Give a function app or a blueprint the SignalR decorators."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self._signalr_events: dict[tuple[str, str, str], FunctionBuilder] = {}

    def signalr_trigger(
        self,
        arg_name: str,
        hub_name: str,
        event: str,
        category: str = Category.MESSAGES,
        parameter_names: Sequence[str] | None = None,
        connection_string_setting: str | None = None,
    ) -> _Decorator:
        """Run the function when a client connects, disconnects or sends a message.

        ``arg_name`` is the parameter that receives the SignalRInvocationContext; a function without it
        simply does not see it. In the category ``messages`` every other parameter that belongs to no
        binding is an argument of the call, bound by position and converted by its annotation; a call that
        does not fit is answered with an error that says what fits. What the function returns answers
        ``invoke``; HubException answers with an error, any other exception with a general one.

        ``event`` is ``connected`` or ``disconnected`` in the category ``connections``, and the name of
        the method that clients call in ``messages``. ``hub_name``, ``event`` and ``category`` may be app
        settings, ``%NAME%``. ``parameter_names`` names arguments for expressions in other bindings of the
        function; with it the host refuses calls of any other length, in words of its own.
        """

        def configure(builder: FunctionBuilder) -> None:
            name = _name(builder)
            _check_binding_name(name, arg_name)
            _check_hub_name(name, hub_name)
            _check_event(name, category, event)
            lowered = [item.lower() for item in parameter_names or ()]
            if len(set(lowered)) < len(lowered):
                raise ValueError(f"the function {name}: parameter_names must differ in more than case")
            self._claim_event(builder, hub_name, category, event)
            builder.add_trigger(
                _Trigger(
                    name=arg_name,
                    type=converter.TRIGGER_TYPE,
                    hub_name=hub_name,
                    category=str(category),
                    event=event,
                    parameter_names=None if parameter_names is None else list(parameter_names),
                    connection_string_setting=connection_string_setting,
                )
            )

        return self._decorate(configure)

    def signalr_connection_info_input(
        self,
        arg_name: str,
        hub_name: str,
        user_id: str | None = None,
        id_token: str | None = None,
        claim_type_list: Sequence[str] | None = None,
        connection_string_setting: str | None = None,
    ) -> _Decorator:
        """Hand the function a SignalRConnectionInfo: what a negotiate function answers.

        ``user_id`` and ``id_token`` are binding expressions, such as
        ``{headers.x-ms-client-principal-id}``; one that names an absent header or query parameter fails
        the invocation. The claims of ``id_token`` whose types are in ``claim_type_list`` go into the
        access token; the host does not verify the signature of ``id_token``.
        """
        return self._input(
            "signalRConnectionInfo",
            arg_name,
            hub_name,
            user_id=user_id,
            id_token=id_token,
            claim_type_list=None if claim_type_list is None else list(claim_type_list),
            connection_string_setting=connection_string_setting,
        )

    def signalr_negotiation_input(
        self,
        arg_name: str,
        hub_name: str,
        user_id: str | None = None,
        id_token: str | None = None,
        claim_type_list: Sequence[str] | None = None,
        connection_string_setting: str | None = None,
    ) -> _Decorator:
        """Hand the function a SignalRNegotiation: connection info for every endpoint, to choose from."""
        return self._input(
            "signalRNegotiation",
            arg_name,
            hub_name,
            user_id=user_id,
            id_token=id_token,
            claim_type_list=None if claim_type_list is None else list(claim_type_list),
            connection_string_setting=connection_string_setting,
        )

    def signalr_endpoints_input(
        self, arg_name: str, hub_name: str, connection_string_setting: str | None = None
    ) -> _Decorator:
        """Hand the function a list of SignalREndpoint: the instances of the service and their state."""
        return self._input(
            "signalREndpoints", arg_name, hub_name, connection_string_setting=connection_string_setting
        )

    def signalr_output(
        self, arg_name: str, hub_name: str, connection_string_setting: str | None = None
    ) -> _Decorator:
        """Hand the function a SignalROutput that collects messages and group actions.

        With the ``arg_name`` ``$return`` the function returns a SignalRMessage, a SignalRGroupAction or
        a list of them instead.
        """

        def configure(builder: FunctionBuilder) -> None:
            name = _name(builder)
            if arg_name != RETURN:
                _check_binding_name(name, arg_name)
            _check_hub_name(name, hub_name)
            builder.add_binding(
                _Output(
                    name=arg_name,
                    type="signalR",
                    hub_name=hub_name,
                    connection_string_setting=connection_string_setting,
                )
            )

        return self._decorate(configure)

    def _input(self, type_: str, arg_name: str, hub_name: str, **properties: Any) -> _Decorator:
        def configure(builder: FunctionBuilder) -> None:
            name = _name(builder)
            _check_binding_name(name, arg_name)
            _check_hub_name(name, hub_name)
            builder.add_binding(_Input(name=arg_name, type=type_, hub_name=hub_name, **properties))

        return self._decorate(configure)

    def _decorate(self, configure: Callable[[FunctionBuilder], None]) -> _Decorator:
        def wrap(builder: FunctionBuilder) -> FunctionBuilder:
            configure(builder)
            return builder

        decorator: _Decorator = self._configure_function_builder(wrap)
        return decorator

    def _validate_type(self, func: Callable[..., Any] | FunctionBuilder) -> FunctionBuilder:
        builder = super()._validate_type(func)
        if not isinstance(builder, _AdaptingBuilder) and not isinstance(func, FunctionBuilder):
            return _AdaptingBuilder(func, self._app_script_file)  # type: ignore[no-untyped-call]
        return builder

    def _claim_event(self, builder: FunctionBuilder, hub: str, category: str, event: str) -> None:
        holder = self._signalr_events.setdefault((hub.lower(), category.lower(), event.lower()), builder)
        if holder is not builder:
            raise ValueError(
                f"the functions {_name(holder)} and {_name(builder)} both listen to hub {hub!r}, "
                f"category {str(category)!r}, event {event!r}: one event has one function"
            )


class Blueprint(SignalRApi, func.Blueprint):
    """Hold functions to be registered in an app, with the SignalR decorators beside all others."""


class FunctionApp(SignalRApi, func.FunctionApp):
    """Be the function app, with the SignalR decorators beside all others."""

    def register_functions(self, function_container: DecoratorApi) -> None:
        """Register a blueprint's functions; raise ValueError where an event would have two functions."""
        if isinstance(function_container, SignalRApi):
            for event, builder in function_container._signalr_events.items():
                self._claim_event(builder, *event)
        super().register_functions(function_container)

    register_blueprint = register_functions


def _name(builder: FunctionBuilder) -> str:
    return builder._function.get_function_name() or ""


def _check_binding_name(function: str, name: str) -> None:
    if not _BINDING_NAME.fullmatch(name):
        raise ValueError(
            f"the function {function}: the binding name {name!r} is not valid; the Functions host accepts a "
            "letter followed by letters and digits, and no underscore"
        )


def _check_hub_name(function: str, name: str) -> None:
    if "%" in name or "{" in name:
        return
    try:
        check_hub_name(name)
    except ValueError as error:
        raise ValueError(f"the function {function}: {error}") from None


def _check_event(function: str, category: str, event: str) -> None:
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
