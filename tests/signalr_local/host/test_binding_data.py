"""Binding data: what a request and an event offer to expressions."""

from typing import Any

import pytest

from signalr_local.host import binding_data


def test_a_request_offers_its_query_and_its_headers() -> None:
    data = binding_data.of_request({"user": "ann"}, {"x-name": "n"}, {}, b"")
    assert data == {"Query": {"user": "ann"}, "Headers": {"x-name": "n"}, "user": "ann"}


@pytest.mark.parametrize(
    ("query", "route", "body", "name", "value"),
    [
        ({}, {}, b'{"id": "body"}', "id", "body"),
        ({"id": "query"}, {}, b'{"id": "body"}', "id", "query"),
        ({"id": "query"}, {"id": "route"}, b'{"id": "body"}', "id", "route"),
        ({}, {}, b'  {"id": {"part": 1}}', "id", {"part": 1}),
        ({}, {}, b'{"Query": "body"}', "Query", "body"),
    ],
    ids=["body", "query-over-body", "route-over-query", "object", "shadowed"],
)
def test_body_gives_way_to_query_and_query_to_route(
    query: dict[str, str], route: dict[str, str], body: bytes, name: str, value: object
) -> None:
    assert binding_data.of_request(query, {}, route, body)[name] == value


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({"code": "secret"}, b""),
        ({}, b'{"code": null, "list": [1]}'),
        ({}, b'[{"code": 1}]'),
        ({}, b"code=1"),
        ({}, b'{"code": 1'),
        ({}, b'{"code": "\xff"}'),
        ({}, b'{"a":' * 100_000),
    ],
    ids=["key", "null-and-list", "list", "form", "cut-off", "no-utf-8", "deep"],
)
def test_nothing_else_is_offered_by_name(query: dict[str, str], body: bytes) -> None:
    assert binding_data.of_request(query, {}, {}, body).keys() == {"Query", "Headers"}


CONTEXT: dict[str, Any] = {
    "Arguments": ["blue", 1],
    "Error": None,
    "Hub": "chat",
    "UserId": "ann",
    "Headers": {"X-ASRS-Hub": "chat"},
}


def test_an_event_offers_its_context_and_its_arguments_by_name() -> None:
    assert binding_data.of_event(CONTEXT, ["room", "count"]) == {
        "Hub": "chat",
        "UserId": "ann",
        "Headers": {"X-ASRS-Hub": "chat"},
        "room": "blue",
        "count": 1,
    }


def test_an_event_without_parameter_names_takes_any_number_of_arguments() -> None:
    assert "room" not in binding_data.of_event(CONTEXT, [])


@pytest.mark.parametrize("arguments", [None, [], ["a"], ["a", "b", "c"]])
def test_names_and_arguments_must_be_equally_many(arguments: list[object] | None) -> None:
    count = len(arguments or [])
    message = f"^The function accept 2 arguments but message provided {count}.$"
    with pytest.raises(ValueError, match=message):
        binding_data.of_event({**CONTEXT, "Arguments": arguments}, ["room", "count"])


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {}),
        ([("a", "1"), ("b", "2")], {"a": "1", "b": "2"}),
        ([("a", "1"), ("b", "2"), ("a", "3"), ("a", "")], {"a": "1,3,", "b": "2"}),
    ],
)
def test_values_of_a_repeated_name_are_joined(pairs: list[tuple[str, str]], expected: dict[str, str]) -> None:
    assert binding_data.joined(pairs) == expected
