"""Functions as the worker sees them, whatever it was that the decorators were put on."""

import functools
import inspect
import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function

from serverless_signalr import (
    FunctionApp,
    HubException,
)


def functions(app: func.FunctionApp) -> dict[str, Function]:
    return {str(function.get_function_name()): function for function in app.get_functions()}


def bindings(function: Function) -> dict[str, dict[str, Any]]:
    """Return the bindings of a function as the host reads them, by their names."""
    found = [json.loads(text) for text in function.get_raw_bindings()]
    return {binding["name"]: binding for binding in found}


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
