"""The app's functions, all together: what Azure would refuse, and the contract with callers."""

import importlib
import json
import re
from pkgutil import iter_modules
from typing import Any

import pytest
from azure.functions.decorators.function_app import Function

import blueprints
from blueprints.hub import HUB

type Functions = dict[str, Function]

ROUTES = {
    ("POST", "negotiate"): "ANONYMOUS",
    ("POST", "messages"): "FUNCTION",
    ("POST", "users/{userId}/messages"): "FUNCTION",
    ("POST", "groups/{groupName}/messages"): "FUNCTION",
    ("POST", "connections/{connectionId}/messages"): "FUNCTION",
    ("PUT", "groups/{groupName}/users/{userId}"): "FUNCTION",
    ("DELETE", "groups/{groupName}/users/{userId}"): "FUNCTION",
    ("PUT", "groups/{groupName}/connections/{connectionId}"): "FUNCTION",
    ("DELETE", "groups/{groupName}/connections/{connectionId}"): "FUNCTION",
    ("DELETE", "users/{userId}/groups"): "FUNCTION",
}
"""Every route, and the key that it needs; that of the page is tested with the page."""

EVENTS = {
    ("connections", "connected"),
    ("connections", "disconnected"),
    ("messages", "broadcast"),
    ("messages", "sendToGroup"),
    ("messages", "people"),
    ("messages", "sendToUser"),
    ("messages", "sendToConnection"),
    ("messages", "joinGroup"),
    ("messages", "leaveGroup"),
    ("messages", "echo"),
}


def bindings(functions: Functions) -> list[dict[str, Any]]:
    return [json.loads(text) for function in functions.values() for text in function.get_raw_bindings()]


@pytest.fixture(scope="module")
def triggers(functions: Functions) -> list[dict[str, Any]]:
    return [binding for binding in bindings(functions) if binding["type"] == "signalRTrigger"]


def test_app_has_the_functions_of_every_blueprint(functions: Functions) -> None:
    registered = {function.get_user_function().__module__ for function in functions.values()}
    modules = [
        importlib.import_module(item.name) for item in iter_modules(blueprints.__path__, "blueprints.")
    ]
    assert registered == {module.__name__ for module in modules if hasattr(module, "bp")}


def test_function_names_are_those_that_the_host_accepts(functions: Functions) -> None:
    assert [name for name in functions if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,127}", name)] == []


def test_binding_names_are_those_that_the_host_accepts(functions: Functions) -> None:
    names = {binding["name"] for binding in bindings(functions)}
    assert [name for name in names if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,127}|\$return", name)] == []


def test_every_route_of_the_contract_is_served_with_its_key(functions: Functions) -> None:
    served = {
        (method, binding["route"]): binding["authLevel"]
        for binding in bindings(functions)
        if binding["type"] == "httpTrigger"
        for method in binding["methods"]
    }
    assert {route: served.get(route) for route in ROUTES} == ROUTES


def test_only_negotiate_and_the_page_need_no_key(functions: Functions) -> None:
    anonymous = {
        binding["route"]
        for binding in bindings(functions)
        if binding["type"] == "httpTrigger" and binding["authLevel"] == "ANONYMOUS"
    }
    assert anonymous - {"index"} == {"negotiate"}


def test_no_route_is_served_twice(functions: Functions) -> None:
    served = [
        (method, re.sub(r"\{\w+\}", "{}", binding["route"]).lower())
        for binding in bindings(functions)
        if binding["type"] == "httpTrigger"
        for method in binding["methods"]
    ]
    assert len(served) == len(set(served))


def test_every_event_of_the_contract_has_a_function(triggers: list[dict[str, Any]]) -> None:
    assert {(trigger["category"], trigger["event"]) for trigger in triggers} >= EVENTS


def test_no_event_has_two_functions(triggers: list[dict[str, Any]]) -> None:
    keys = [tuple(trigger[name].lower() for name in ("hubName", "category", "event")) for trigger in triggers]
    assert len(keys) == len(set(keys))


def test_every_binding_is_on_the_one_hub(functions: Functions) -> None:
    assert {binding["hubName"] for binding in bindings(functions) if "hubName" in binding} == {HUB}
