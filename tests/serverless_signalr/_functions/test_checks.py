"""Names and events of bindings: what the host would refuse is refused with the function and the rule."""

import re
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function

from serverless_signalr import (
    FunctionApp,
    SignalRInvocationContext,
)

type Decorate = Callable[[Any], Any]
type Decorators = Callable[[Any], list[Decorate]]


def indexed(app: func.FunctionApp, function: Callable[..., Any], decorators: Decorators) -> Function:
    """Return the function as the worker finds it."""
    decorated: Any = function
    for decorate in reversed(decorators(app)):
        decorated = decorate(decorated)
    [found] = app.get_functions()
    return found


def typed_trigger(invocation: SignalRInvocationContext) -> None: ...


@pytest.mark.parametrize(
    ("decorators", "error"),
    [
        pytest.param(
            lambda app: [app.signalr_trigger("the_invocation", hub="chat", event="x")],
            "the function typed_trigger: the binding name 'the_invocation' is not valid; the Functions host "
            "accepts a letter followed by letters and digits, without underscores",
            id="underscore-in-name",
        ),
        pytest.param(
            lambda app: [app.signalr_connection_info_input("1st", hub="chat")],
            "the function typed_trigger: the binding name '1st' is not valid; the Functions host "
            "accepts a letter followed by letters and digits, without underscores",
            id="digit-first",
        ),
        pytest.param(
            lambda app: [app.signalr_output("$result", hub="chat")],
            "the function typed_trigger: the binding name '$result' is not valid; the Functions host "
            "accepts a letter followed by letters and digits, without underscores",
            id="dollar",
        ),
        *(
            pytest.param(
                decorators,
                "the function typed_trigger: the hub name 'my-hub' is not valid: it has 1 to 128 characters, "
                "starts with a letter and continues with letters, digits or any of _`,.[]",
                id=f"hub-of-{name}",
            )
            for name, decorators in {
                "trigger": lambda app: [app.signalr_trigger("invocation", hub="my-hub", event="x")],
                "connection-info": lambda app: [app.signalr_connection_info_input("i", hub="my-hub")],
                "negotiation": lambda app: [app.signalr_negotiation_input("i", hub="my-hub")],
                "endpoints": lambda app: [app.signalr_endpoints_input("i", hub="my-hub")],
                "output": lambda app: [app.signalr_output("$return", hub="my-hub")],
            }.items()
        ),
        pytest.param(
            lambda app: [app.signalr_trigger("invocation", hub="chat", event="x", category="connection")],
            "the function typed_trigger: the category is 'connection', expected connections or messages",
            id="category",
        ),
        pytest.param(
            lambda app: [
                app.signalr_trigger("invocation", hub="chat", event="connect", category="connections")
            ],
            "the function typed_trigger: the event is 'connect', "
            "the category connections has connected and disconnected",
            id="event-of-connections",
        ),
        pytest.param(
            lambda app: [app.signalr_trigger("invocation", hub="chat", event="")],
            "the function typed_trigger: the event must not be empty",
            id="no-event",
        ),
        pytest.param(
            lambda app: [
                app.signalr_trigger("invocation", hub="chat", event="x", parameter_names=["text", "Text"])
            ],
            "the function typed_trigger: two parameter_names differ only in case: rename one",
            id="parameter-names",
        ),
    ],
)
def test_what_the_host_refuses_is_refused_with_the_function_and_the_rule(
    decorators: Decorators, error: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(error)}$"):
        indexed(FunctionApp(), typed_trigger, decorators)


@pytest.mark.parametrize(
    "arguments",
    [
        {"hub": "%HUB%", "event": "x"},
        {"hub": "chat", "event": "%EVENT%"},
        {"hub": "chat", "event": "x", "category": "%CATEGORY%"},
        {"hub": "chat", "event": "%EVENT%", "category": "connections"},
        {"hub": "chat", "event": "Connected", "category": "Connections"},
    ],
)
def test_app_settings_and_any_case_are_accepted(arguments: dict[str, str]) -> None:
    app = FunctionApp()
    found = indexed(app, typed_trigger, lambda app: [app.signalr_trigger("invocation", **arguments)])
    assert found.get_trigger() is not None
