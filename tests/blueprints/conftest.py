"""The function app as the worker has it: indexed, and called with what the host delivers."""

import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function
from azure_functions_runtime.bindings.out import Out

import function_app

type Functions = dict[str, Function]
type Request = Callable[..., tuple[func.HttpResponse, list[dict[str, Any]] | None]]
type Invoke = Callable[..., tuple[Any, list[dict[str, Any]] | None]]

CONNECTION = {"url": "http://localhost:8888/client/?hub=chat", "accessToken": "a.b.c"}


@pytest.fixture(scope="session")
def functions() -> Functions:
    """Return the app's functions by name; an app can be indexed only once."""
    return {function.get_function_name() or "": function for function in function_app.app.get_functions()}


@pytest.fixture
def ask(functions: Functions) -> Request:
    """Call the function of a method and a route; return its response and what is to be sent."""

    def ask(method: str, route: str, body: bytes = b"", **params: str) -> Any:
        for function in functions.values():
            trigger: Any = function.get_trigger()
            if trigger.type == "httpTrigger" and (trigger.methods[0].value, trigger.route) == (method, route):
                request = func.HttpRequest(
                    method, f"http://localhost:7071/api/{route}", route_params=params, body=body
                )
                values: dict[str, Any] = {trigger.name: request}
                return _call(function, values)
        raise LookupError(f"no function for {method} {route}")

    return ask


@pytest.fixture
def invoke(functions: Functions) -> Invoke:
    """Run the function of an event; return its result and what is to be sent."""

    def invoke(event: str, *arguments: object, user_id: str | None = "ann", error: str | None = None) -> Any:
        for function in functions.values():
            trigger: Any = function.get_trigger()
            if trigger.type == "signalRTrigger" and trigger.event == event:
                context = {
                    "Arguments": arguments,
                    "Error": error,
                    "Category": trigger.category,
                    "Event": event,
                    "Hub": trigger.hub_name,
                    "ConnectionId": "c1",
                    "UserId": user_id,
                    "Headers": {},
                    "Query": None,
                    "Claims": None,
                }
                return _call(function, {trigger.name: json.dumps(context)})
        raise LookupError(f"no function for the event {event}")

    return invoke


def _call(function: Function, values: dict[str, Any]) -> tuple[Any, list[dict[str, Any]] | None]:
    outbox = Out()
    for binding in function.get_bindings():
        if binding.type == "signalR":
            values[binding.name] = outbox
        elif binding.type == "signalRConnectionInfo":
            values[binding.name] = json.dumps(CONNECTION)
    return function.get_user_function()(**values), outbox.get()
