"""What the decorators take from the app, the blueprint and the function, and how they are misused."""

import functools
import inspect
import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function

from serverless_signalr import (
    Blueprint,
    FunctionApp,
    HubException,
    ServerlessHub,
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


# Callable objects, and decorators around coroutine functions.


class Greet:
    def __call__(self, name: str) -> str:
        return f"hello {name}"


async def greet(name: str) -> str:
    return f"hello {name}"


def greet_with(greeting: str, name: str) -> str:
    return f"{greeting} {name}"


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    def greet(name: str) -> Any:
        return function(name)

    return greet


GREETING = '{"Hub": "chat", "Category": "messages", "Event": "g", "ConnectionId": "c", "Arguments": ["ann"]}'


@pytest.mark.parametrize(
    ("function", "name", "event"),
    [
        pytest.param(Greet(), "Greet", "Greet", id="object"),
        pytest.param(functools.partial(greet_with, "hello"), "greet_with", "greetWith", id="partial"),
        pytest.param(wrapped(greet), "greet", "greet", id="sync-around-async"),
    ],
)
async def test_whatever_can_be_called_can_have_a_trigger(
    function: Callable[..., Any], name: str, event: str
) -> None:
    app = FunctionApp(hub="chat")
    app.signalr_trigger()(function)
    found = functions(app)[name]
    result = found.get_user_function()(invocation=GREETING)
    assert (await result if inspect.isawaitable(result) else result) == "hello ann"
    assert bindings(found)["invocation"]["event"] == event


def test_coroutine_that_a_decorator_hides_is_awaited() -> None:
    app = FunctionApp(hub="chat")
    app.signalr_trigger()(unwrapped(greet))
    assert functions(app)["greet"].get_user_function()(invocation=GREETING) == "hello ann"


def test_failure_of_a_hidden_coroutine_reaches_the_client_as_a_general_one() -> None:
    async def fail(name: str) -> None:
        raise ValueError("secret")

    app = FunctionApp(hub="chat")
    app.signalr_trigger()(unwrapped(fail))
    with pytest.raises(HubException, match=r"^greet failed on the server\.$"):
        functions(app)["greet"].get_user_function()(invocation=GREETING)


# Misuse.


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


@pytest.mark.parametrize("make", [FunctionApp, func.FunctionApp])
def test_blueprint_may_be_registered_in_any_function_app(make: type[func.FunctionApp]) -> None:
    app, blueprint = make(), Blueprint(hub="chat")
    define(blueprint)
    app.register_functions(blueprint)
    assert list(functions(app)) == ["send_to_group"]


def test_function_that_comes_after_the_registration_is_refused() -> None:
    app, blueprint = FunctionApp(), Blueprint(hub="chat")
    app.register_functions(blueprint)
    with pytest.raises(TypeError, match="register it after its last function"):
        define(blueprint)


# Hubs as they are.


class Chat(ServerlessHub, hub="chat"):
    async def send(self) -> None: ...


@pytest.mark.parametrize("make", [FunctionApp, func.FunctionApp])
def test_hub_may_be_registered_as_it_is(make: type[Any]) -> None:
    app = make()
    app.register_functions(Chat())
    assert list(functions(app)) == ["chat_send"]


def test_class_of_a_hub_is_refused() -> None:
    app: Any = FunctionApp()
    with pytest.raises(TypeError, match=r"^register_functions takes a hub, not its class: pass Chat\(\)$"):
        app.register_functions(Chat)


@pytest.mark.parametrize("make", [FunctionApp, func.FunctionApp])
def test_negotiate_that_comes_after_the_registration_is_refused(make: type[Any]) -> None:
    chat = Chat()
    make().register_functions(chat)
    with pytest.raises(TypeError, match="register it after its last function"):
        chat.add_negotiate()
