"""The function app as the worker has it: indexed, and called with what the host delivers."""

import asyncio
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function
from azure_functions_runtime.bindings.out import Out

import function_app
from blueprints import service as blueprint_service
from serverless_signalr import run_sync
from signalr_local.emulator import Emulator

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
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the service, without anybody connected, for functions that ask it."""
    loop, emulator = asyncio.new_event_loop(), Emulator()
    loop.run_until_complete(emulator.start(port=0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    monkeypatch.setenv("AzureSignalRConnectionString", emulator.connection_string)
    blueprint_service.clients.cache_clear()
    yield
    blueprint_service.clients.cache_clear()
    asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


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
    result = function.get_user_function()(**values)
    return run_sync(result) if inspect.iscoroutine(result) else result, outbox.get()
