"""Functions that no request reaches: another one's route takes what is meant for them."""

from typing import Any

import pytest

from signalr_local.host.functions import Function
from signalr_local.host.hidden_routes import hidden_by
from signalr_local.host.settings import Settings
from signalr_local.host.table import FunctionTable


def function(name: str, route: str, *methods: str) -> Function:
    trigger: dict[str, Any] = {"type": "httpTrigger", "name": "req", "direction": "IN", "route": route}
    return Function(name, name, trigger | ({"methods": methods} if methods else {}))


@pytest.mark.parametrize(
    ("first", "second", "hidden"),
    [
        ("{*path}", "list", True),
        ("items/{id}", "items/list", True),
        ("items/{id:int}", "items/list", False),
        ("items/{id:int}", "items/{name}", False),
        ("items/{id}", "items/{other:int}", True),
        ("items/{id:guid}", "items/{other}", False),
        ("files/{name}", "files/{name}.{kind}", True),
        ("files/{name}.{kind}", "files/{name}", False),
        ("items", "items/list", False),
    ],
)
def test_a_route_is_hidden_by_one_that_takes_all_of_it(first: str, second: str, hidden: bool) -> None:
    one, two = function("a", first), function("b", second)
    table = FunctionTable.build([one, two], "api", Settings({}))
    assert hidden_by(table, two, "api", "GET") == (one if hidden else None)
    assert hidden_by(table, one, "api", "GET") is None


def test_another_method_hides_nothing() -> None:
    one, two = function("a", "{*path}", "GET"), function("b", "list", "GET", "POST")
    table = FunctionTable.build([one, two], "api", Settings({}))
    assert hidden_by(table, two, "api", "GET") is one
    assert hidden_by(table, two, "api", "POST") is None
