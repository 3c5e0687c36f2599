"""Registering: blueprints and hubs in an app, and one function for an event."""

import json
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function

from serverless_signalr import (
    Blueprint,
    FunctionApp,
    ServerlessHub,
    SignalRInvocationContext,
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


def listens(app: FunctionApp | Blueprint, name: str, hub: str, event: str) -> None:
    def function(invocation: SignalRInvocationContext) -> None: ...

    function.__name__ = name
    app.signalr_trigger("invocation", hub=hub, event=event)(function)


SAME_EVENT = (
    r"^the functions one and two both listen to hub '[Cc]hat', category 'messages', event '[Ss]end': "
    "one event has one function$"
)


@pytest.mark.parametrize(("hub", "event"), [("chat", "send"), ("Chat", "Send")])
def test_event_of_two_functions_is_refused(hub: str, event: str) -> None:
    app = FunctionApp()
    listens(app, "one", "chat", "send")
    with pytest.raises(ValueError, match=SAME_EVENT):
        listens(app, "two", hub, event)


def test_event_of_two_blueprints_is_refused() -> None:
    app, first, second = FunctionApp(), Blueprint(), Blueprint()
    listens(first, "one", "chat", "send")
    listens(second, "two", "Chat", "Send")
    app.register_functions(first)
    with pytest.raises(ValueError, match=SAME_EVENT):
        app.register_functions(second)


def test_event_of_a_blueprint_and_the_app_is_refused() -> None:
    app, blueprint = FunctionApp(), Blueprint()
    listens(blueprint, "two", "chat", "send")
    listens(app, "one", "chat", "send")
    with pytest.raises(ValueError, match=SAME_EVENT):
        app.register_blueprint(blueprint)


@pytest.mark.parametrize(("hub", "event"), [("other", "send"), ("chat", "other")])
def test_another_event_or_hub_is_another_function(hub: str, event: str) -> None:
    app = FunctionApp()
    listens(app, "one", "chat", "send")
    listens(app, "two", hub, event)
    assert len(app.get_functions()) == 2
