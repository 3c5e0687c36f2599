"""The decorators: the metadata that they emit, and what they refuse."""

import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function
from azure_functions_runtime.bindings import meta
from azure_functions_runtime.functions import Registry

from serverless_signalr import (
    Blueprint,
    FunctionApp,
    SignalRConnectionInfo,
    SignalREndpoint,
    SignalRInvocationContext,
    SignalRNegotiation,
    SignalROutput,
)
from signalr_local.worker import protos

type Decorate = Callable[[Any], Any]
type Decorators = Callable[[Any], list[Decorate]]
"""The decorators of one function, given the app, the outermost first."""


def indexed(app: func.FunctionApp, function: Callable[..., Any], decorators: Decorators) -> Function:
    """Return the function as the worker finds it."""
    decorated: Any = function
    for decorate in reversed(decorators(app)):
        decorated = decorate(decorated)
    [found] = app.get_functions()
    return found


def typed_trigger(invocation: SignalRInvocationContext) -> None: ...


def generic_trigger(invocation: str) -> None: ...


def typed_input(req: func.HttpRequest, given) -> func.HttpResponse:  # type: ignore[no-untyped-def]
    raise NotImplementedError


def generic_input(req: func.HttpRequest, given: str) -> func.HttpResponse:
    raise NotImplementedError


def typed_output(invocation: SignalRInvocationContext, outbox: SignalROutput) -> None: ...


def generic_output(invocation: str, outbox: func.Out[str]) -> None: ...


def broadcast(app: Any) -> Decorate:
    trigger: Decorate = app.generic_trigger(
        "invocation", type="signalRTrigger", hub_name="chat", category="messages", event="broadcast"
    )
    return trigger


METADATA = [
    pytest.param(
        typed_trigger,
        lambda app: [app.signalr_trigger("invocation", hub="chat", event="broadcast")],
        generic_trigger,
        lambda app: [broadcast(app)],
        id="trigger-of-messages",
    ),
    pytest.param(
        typed_trigger,
        lambda app: [
            app.signalr_trigger(
                "invocation",
                hub="%HUB%",
                event="connected",
                category="connections",
                connection="Other",
            )
        ],
        generic_trigger,
        lambda app: [
            app.generic_trigger(
                "invocation",
                type="signalRTrigger",
                hub_name="%HUB%",
                category="connections",
                event="connected",
                connection_string_setting="Other",
            )
        ],
        id="trigger-of-connections",
    ),
    pytest.param(
        typed_trigger,
        lambda app: [
            app.signalr_trigger("invocation", hub="chat", event="send", parameter_names=("to", "text"))
        ],
        generic_trigger,
        lambda app: [
            app.generic_trigger(
                "invocation",
                type="signalRTrigger",
                hub_name="chat",
                category="messages",
                event="send",
                parameter_names=["to", "text"],
            )
        ],
        id="trigger-with-parameter-names",
    ),
    *(
        pytest.param(
            typed_input,
            lambda app, name=name: [
                app.route(route="negotiate", methods=["POST"]),
                getattr(app, name)("given", hub="chat"),
            ],
            generic_input,
            lambda app, kind=kind: [
                app.route(route="negotiate", methods=["POST"]),
                app.generic_input_binding("given", type=kind, hub_name="chat"),
            ],
            id=name,
        )
        for name, kind in (
            ("signalr_connection_info_input", "signalRConnectionInfo"),
            ("signalr_negotiation_input", "signalRNegotiation"),
            ("signalr_endpoints_input", "signalREndpoints"),
        )
    ),
    *(
        pytest.param(
            typed_input,
            lambda app, name=name: [
                app.route(route="negotiate"),
                getattr(app, name)(
                    "given",
                    hub="chat",
                    user_id="{headers.x-ms-client-principal-id}",
                    id_token="{headers.x-ms-token-aad-id-token}",
                    claim_type_list=("name", "role"),
                    connection="Other",
                ),
            ],
            generic_input,
            lambda app, kind=kind: [
                app.route(route="negotiate"),
                app.generic_input_binding(
                    "given",
                    type=kind,
                    hub_name="chat",
                    user_id="{headers.x-ms-client-principal-id}",
                    id_token="{headers.x-ms-token-aad-id-token}",
                    claim_type_list=["name", "role"],
                    connection_string_setting="Other",
                ),
            ],
            id=f"{name}-with-claims",
        )
        for name, kind in (
            ("signalr_connection_info_input", "signalRConnectionInfo"),
            ("signalr_negotiation_input", "signalRNegotiation"),
        )
    ),
    pytest.param(
        typed_output,
        lambda app: [broadcast(app), app.signalr_output("outbox", hub="chat")],
        generic_output,
        lambda app: [
            broadcast(app),
            app.generic_output_binding("outbox", type="signalR", hub_name="chat"),
        ],
        id="output",
    ),
    pytest.param(
        typed_trigger,
        lambda app: [
            broadcast(app),
            app.signalr_output("$return", hub="chat", connection="Other"),
        ],
        generic_trigger,
        lambda app: [
            broadcast(app),
            app.generic_output_binding(
                "$return", type="signalR", hub_name="chat", connection_string_setting="Other"
            ),
        ],
        id="return-value",
    ),
]
"""A function with our decorators, and one with azure-functions' own that must mean the same."""


@pytest.mark.parametrize(("function", "decorators", "other", "generic"), METADATA)
def test_metadata_is_that_of_the_generic_decorators(
    function: Callable[..., Any], decorators: Decorators, other: Callable[..., Any], generic: Decorators
) -> None:
    ours = indexed(FunctionApp(), function, decorators)
    theirs = indexed(func.FunctionApp(), other, generic)
    assert ours.get_dict_repr() == theirs.get_dict_repr()
    assert ours.get_raw_bindings() == theirs.get_raw_bindings()


@pytest.mark.parametrize(
    ("function", "decorators", "binding"),
    [
        pytest.param(
            typed_trigger,
            lambda app: [
                app.signalr_trigger(
                    "invocation",
                    hub="chat",
                    event="SendMessage",
                    parameter_names=["message"],
                    connection="AzureSignalRConnectionString",
                )
            ],
            {
                "direction": "IN",
                "type": "signalRTrigger",
                "name": "invocation",
                "hubName": "chat",
                "category": "messages",
                "event": "SendMessage",
                "parameterNames": ["message"],
                "connectionStringSetting": "AzureSignalRConnectionString",
            },
            id="trigger",
        ),
        pytest.param(
            typed_input,
            lambda app: [
                app.route(route="negotiate"),
                app.signalr_connection_info_input(
                    "given",
                    hub="chat",
                    user_id="{headers.x-ms-client-principal-id}",
                    connection="AzureSignalRConnectionString",
                ),
            ],
            {
                "direction": "IN",
                "type": "signalRConnectionInfo",
                "name": "given",
                "hubName": "chat",
                "connectionStringSetting": "AzureSignalRConnectionString",
                "userId": "{headers.x-ms-client-principal-id}",
            },
            id="connection-info",
        ),
        pytest.param(
            typed_output,
            lambda app: [broadcast(app), app.signalr_output("outbox", hub="chat")],
            {"direction": "OUT", "type": "signalR", "name": "outbox", "hubName": "chat"},
            id="output",
        ),
    ],
)
def test_metadata_is_what_the_host_reads(
    function: Callable[..., Any], decorators: Decorators, binding: dict[str, object]
) -> None:
    raw = indexed(FunctionApp(), function, decorators).get_raw_bindings()
    assert binding in [json.loads(text) for text in raw]


# What the worker makes of a typed function.


def message(app: FunctionApp) -> Decorate:
    return app.signalr_trigger("invocation", hub="chat", event="broadcast")


def arguments(invocation: SignalRInvocationContext, group_name: str, times: int = 1, *more: Any) -> bool:
    return True


def unused_trigger(text: str) -> dict[str, Any]:
    return {}


def worker_context(invocation: SignalRInvocationContext, context: func.Context) -> None: ...


async def later(invocation: SignalRInvocationContext) -> list[str]:
    return []


def negotiation(req: func.HttpRequest, given: SignalRNegotiation) -> func.HttpResponse:
    raise NotImplementedError


def endpoints(req: func.HttpRequest, given: list[SignalREndpoint]) -> func.HttpResponse:
    raise NotImplementedError


def connection_info(req: func.HttpRequest, given: SignalRConnectionInfo) -> func.HttpResponse:
    raise NotImplementedError


def returned(req: func.HttpRequest, outbox: SignalROutput) -> str:
    return ""


@pytest.mark.parametrize(
    ("function", "decorators"),
    [
        pytest.param(arguments, lambda app: [message(app)], id="arguments"),
        pytest.param(
            unused_trigger,
            lambda app: [app.signalr_trigger(hub="chat", event="broadcast")],
            id="unused-trigger",
        ),
        pytest.param(worker_context, lambda app: [message(app)], id="context"),
        pytest.param(later, lambda app: [message(app)], id="coroutine"),
        pytest.param(
            typed_output,
            lambda app: [message(app), app.signalr_output("outbox", hub="chat")],
            id="output",
        ),
        pytest.param(
            typed_trigger,
            lambda app: [message(app), app.signalr_output("$return", hub="chat")],
            id="return-value",
        ),
        pytest.param(
            returned,
            lambda app: [app.route(route="x"), app.signalr_output("outbox", hub="chat")],
            id="http",
        ),
        pytest.param(
            connection_info,
            lambda app: [app.route(route="x"), app.signalr_connection_info_input("given", hub="chat")],
            id="connection-info",
        ),
        pytest.param(
            negotiation,
            lambda app: [app.route(route="x"), app.signalr_negotiation_input("given", hub="chat")],
            id="negotiation",
        ),
        pytest.param(
            endpoints,
            lambda app: [app.route(route="x"), app.signalr_endpoints_input("given", hub="chat")],
            id="endpoints",
        ),
        pytest.param(
            generic_output,
            lambda app: [
                broadcast(app),
                app.generic_output_binding("outbox", type="signalR", hub_name="chat"),
            ],
            id="generic-decorators",
        ),
    ],
)
def test_worker_accepts_the_function(function: Callable[..., Any], decorators: Decorators) -> None:
    meta.load_binding_registry()
    found = indexed(FunctionApp(), function, decorators)
    assert Registry().add_indexed_function(found, protos).func is found.get_user_function()


def test_function_without_our_decorators_is_left_as_it_is() -> None:
    found = indexed(FunctionApp(), generic_trigger, lambda app: [broadcast(app)])
    assert found.get_user_function() is generic_trigger


def test_order_of_decorators_is_free() -> None:
    app = FunctionApp()
    found = indexed(
        app,
        typed_output,
        lambda app: [app.signalr_output("outbox", hub="chat"), message(app)],
    )
    assert {binding.name for binding in found.get_bindings()} == {"invocation", "outbox"}


def test_blueprint_brings_its_functions() -> None:
    blueprint, app = Blueprint(), FunctionApp()
    blueprint.signalr_trigger("invocation", hub="chat", event="broadcast")(typed_trigger)
    app.register_functions(blueprint)
    assert [function.get_function_name() for function in app.get_functions()] == ["typed_trigger"]
