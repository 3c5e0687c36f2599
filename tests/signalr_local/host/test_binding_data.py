"""Binding data: what a request and an event offer to expressions."""

from typing import Any

import pytest

from signalr_local.host.binding_data import event_data, joined, request_data
from signalr_local.host.expressions import METHOD_NAME, BindingData

OF_HOST = {METHOD_NAME, "req", "query", "headers"}


def of_request(
    query: list[tuple[str, str]], headers: dict[str, str], route: dict[str, str], body: bytes
) -> BindingData:
    return request_data("ask", "req", query, headers, route, body, {"Method": "POST"})


def test_a_request_offers_its_query_and_its_headers() -> None:
    data = of_request([("User", "ann")], {"x-name": "n"}, {}, b"")
    assert data == {
        METHOD_NAME: "ask",
        "req": {"Method": "POST"},
        "query": {"User": "ann"},
        "headers": {"x-name": "n"},
        "user": "ann",
    }


def test_of_a_repeated_parameter_the_last_one_counts() -> None:
    data = of_request([("a", "1"), ("A", "2")], {}, {}, b"")
    assert (data["a"], data["query"]) == ("2", {"A": "2"})


def test_a_body_is_read_only_when_an_expression_asks() -> None:
    class Body(bytes):
        def lstrip(self, _: object = None) -> bytes:
            raise AssertionError("the body was read")

    data = of_request([], {}, {}, Body(b"{}"))
    with pytest.raises(AssertionError, match="the body was read"):
        data.get("name")


@pytest.mark.parametrize(
    ("query", "route", "body", "name", "value"),
    [
        ([], {}, b'{"id": "body"}', "id", "body"),
        ([("id", "query")], {}, b'{"id": "body"}', "id", "query"),
        ([("id", "query")], {"id": "route"}, b'{"id": "body"}', "id", "route"),
        ([], {}, b'  {"id": {"part": 1}}', "id", {"part": 1}),
        ([], {}, b'{"Query": "body"}', "query", "body"),
    ],
    ids=["body", "query-over-body", "route-over-query", "object", "shadowed"],
)
def test_body_gives_way_to_query_and_query_to_route(
    query: list[tuple[str, str]], route: dict[str, str], body: bytes, name: str, value: object
) -> None:
    assert of_request(query, {}, route, body)[name] == value


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ([("code", "secret")], b""),
        ([], b'{"code": null, "list": [1]}'),
        ([], b'[{"code": 1}]'),
        ([], b"code=1"),
        ([], b'{"code": 1'),
        ([], b'{"a":' * 100_000),
    ],
    ids=["key", "null-and-list", "list", "form", "cut-off", "deep"],
)
def test_nothing_else_is_offered_by_name(query: list[tuple[str, str]], body: bytes) -> None:
    assert of_request(query, {}, {}, body).keys() == OF_HOST


CONTEXT: dict[str, Any] = {
    "Arguments": ["blue", 1],
    "Error": None,
    "Hub": "chat",
    "UserId": "ann",
    "Headers": {"X-ASRS-Hub": "chat"},
}


def test_an_event_offers_its_context_and_its_arguments_by_name() -> None:
    assert event_data("on_call", CONTEXT, ["room", "count"]) == {
        METHOD_NAME: "on_call",
        "hub": "chat",
        "userid": "ann",
        "headers": {"X-ASRS-Hub": "chat"},
        "room": "blue",
        "count": 1,
    }


def test_an_event_without_parameter_names_takes_any_number_of_arguments() -> None:
    assert "room" not in event_data("on_call", CONTEXT, [])


def test_the_context_wins_over_an_argument_unless_it_is_null() -> None:
    data = event_data("on_call", CONTEXT, ["USERID", "error"])
    assert (data["userid"], data["error"]) == ("ann", 1)


@pytest.mark.parametrize("arguments", [None, [], ["a"], ["a", "b", "c"]])
def test_names_and_arguments_must_be_equally_many(arguments: list[object] | None) -> None:
    count = len(arguments or [])
    message = f"^The function accepts 2 arguments but the message has {count}.$"
    with pytest.raises(ValueError, match=message):
        event_data("on_call", {**CONTEXT, "Arguments": arguments}, ["room", "count"])


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {}),
        ([("a", "1"), ("b", "2")], {"a": "1", "b": "2"}),
        ([("a", "1"), ("b", "2"), ("a", "3"), ("a", "")], {"a": "1,3,", "b": "2"}),
    ],
)
def test_values_of_a_repeated_name_are_joined(pairs: list[tuple[str, str]], expected: dict[str, str]) -> None:
    assert joined(pairs) == expected


def test_names_that_differ_in_case_are_one() -> None:
    assert joined([("User", "x"), ("user", "y")]) == {"User": "x,y"}
