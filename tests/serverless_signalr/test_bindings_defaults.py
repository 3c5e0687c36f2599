"""What the decorators take from the app, the blueprint and the function, and how they are misused."""

import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function

from serverless_signalr import (
    Blueprint,
    FunctionApp,
    SignalRConnectionInfo,
    SignalREndpoint,
    SignalRInvocationContext,
    SignalRNegotiation,
    SignalROutput,
)


def functions(app: func.FunctionApp) -> dict[str, Function]:
    return {str(function.get_function_name()): function for function in app.get_functions()}


def bindings(function: Function) -> dict[str, dict[str, Any]]:
    """Return the bindings of a function as the host reads them, by their names."""
    found = [json.loads(text) for text in function.get_raw_bindings()]
    return {binding["name"]: binding for binding in found}


def define(app: FunctionApp | Blueprint) -> None:
    @app.signalr_trigger()
    @app.signalr_output()
    def send_to_group(caller: SignalRInvocationContext, outbox: SignalROutput, text: str) -> None: ...


@pytest.mark.parametrize("make", [FunctionApp, Blueprint])
def test_decorators_take_hub_and_connection_from_app_or_blueprint(make: type[Any]) -> None:
    app, container = FunctionApp(), make(hub="chat", connection="Other")
    define(container)
    found = functions(container if make is FunctionApp else register(app, container))["send_to_group"]
    for binding in bindings(found).values():
        assert (binding["hubName"], binding["connectionStringSetting"]) == ("chat", "Other")


def register(app: FunctionApp, blueprint: Blueprint) -> FunctionApp:
    app.register_functions(blueprint)
    return app


def test_decorator_may_name_another_hub_and_connection() -> None:
    app = FunctionApp(hub="chat", connection="Other")

    @app.signalr_trigger(hub="news", connection="Third")
    def read() -> None: ...

    binding = bindings(functions(app)["read"])["invocation"]
    assert (binding["hubName"], binding["connectionStringSetting"]) == ("news", "Third")


def test_event_is_the_name_of_the_function_in_camel_case() -> None:
    app = FunctionApp(hub="chat")
    define(app)
    binding = bindings(functions(app)["send_to_group"])["invocation"]
    assert (binding["event"], binding["category"]) == ("sendToGroup", "messages")


def test_event_does_not_depend_on_the_name_that_the_host_sees() -> None:
    app = FunctionApp(hub="chat")

    @app.function_name("chat_read")
    @app.signalr_trigger()
    def read() -> None: ...

    assert bindings(functions(app)["chat_read"])["invocation"]["event"] == "read"


@pytest.mark.parametrize("event", ["connected", "disconnected"])
def test_category_follows_from_the_event(event: str) -> None:
    app = FunctionApp(hub="chat")

    @app.signalr_trigger(event=event)
    def look(caller: SignalRInvocationContext) -> None: ...

    assert bindings(functions(app)["look"])["invocation"]["category"] == "connections"


def test_category_that_is_given_holds() -> None:
    app = FunctionApp(hub="chat")

    @app.signalr_trigger(event="connected", category="messages")
    def look() -> None: ...

    assert bindings(functions(app)["look"])["invocation"]["category"] == "messages"


def test_inputs_have_names_by_default() -> None:
    app = FunctionApp(hub="chat")

    @app.route("negotiate")
    @app.signalr_connection_info_input()
    @app.signalr_negotiation_input()
    @app.signalr_endpoints_input()
    def negotiate(
        req: func.HttpRequest,
        info: SignalRConnectionInfo,
        negotiation: SignalRNegotiation,
        endpoints: list[SignalREndpoint],
    ) -> str:
        return ""

    assert bindings(functions(app)["negotiate"]).keys() >= {"info", "negotiation", "endpoints"}


def takes_caller(caller: SignalRInvocationContext) -> str:
    return caller.connection_id


def takes_invocation(invocation: SignalRInvocationContext) -> str:
    return invocation.connection_id


def takes_context(context: SignalRInvocationContext) -> str:
    return context.connection_id


@pytest.mark.parametrize("function", [takes_caller, takes_invocation, takes_context])
def test_parameter_that_is_annotated_receives_who_calls(function: Callable[..., Any]) -> None:
    app = FunctionApp(hub="chat")
    app.signalr_trigger()(function)
    text = '{"Hub": "chat", "Category": "messages", "Event": "ask", "ConnectionId": "c1"}'
    [found] = functions(app).values()
    assert found.get_user_function()(invocation=text) == "c1"


# Misuse.


async def greet(name: str) -> str:
    return f"hello {name}"


@pytest.mark.parametrize(
    "decorator",
    [
        "signalr_trigger",
        "signalr_output",
        "signalr_connection_info_input",
        "signalr_negotiation_input",
        "signalr_endpoints_input",
    ],
)
def test_decorator_without_parentheses_is_refused(decorator: str) -> None:
    app: Any = FunctionApp(hub="chat")
    with pytest.raises(TypeError, match=rf"^write @…\.{decorator}\(\), with parentheses"):
        getattr(app, decorator)(greet)


@pytest.mark.parametrize("make", [FunctionApp, Blueprint])
def test_missing_hub_is_named_with_both_places(make: type[Any]) -> None:
    with pytest.raises(
        TypeError, match=rf"^the function send_to_group: signalr_output needs .*, or {make.__name__}\(hub=…\)"
    ):
        define(make())


def test_decorators_of_two_apps_are_refused() -> None:
    one, two = Blueprint(hub="chat"), Blueprint(hub="chat")
    with pytest.raises(TypeError, match=r"^the function greet has decorators of two apps or blueprints"):
        one.signalr_trigger()(two.signalr_output("$return")(greet))


def test_decorators_of_azure_functions_app_and_ours_are_refused() -> None:
    with pytest.raises(TypeError, match="FunctionApp and Blueprint of serverless_signalr have all"):
        Blueprint(hub="chat").signalr_output("$return")(func.FunctionApp().route("x")(greet))
