"""Binding expressions: what they resolve to, and what is said of those that do not."""

import re
from typing import Any
from uuid import UUID

import pytest

from signalr_local.host.binding_data import Lazily
from signalr_local.host.expressions import (
    METHOD_NAME,
    BindingData,
    ExactNames,
    ExpressionError,
    resolve,
    resolve_settings,
)

SETTINGS = {"HUB": "chat", "WHO": "{query.user}", "Nested:Name": "n"}

MEMBERS: dict[str, Any] = {
    METHOD_NAME: "negotiate",
    "Query": ExactNames({"user": "ann", "Room": "blue"}),
    "Headers": {"x-ms-client-principal-id": "p1", "x-empty": ""},
    "id": 7,
    "ready": True,
    "nothing": None,
    "order": {"Customer": {"name": "bo"}, "lines": [1, 2]},
    "injected": "%HUB% {id}",
    "price": 2.0,
}

DATA: BindingData = Lazily(lambda: MEMBERS)


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("", ""),
        ("chat", "chat"),
        ("%HUB%", "chat"),
        ("a%HUB%b%HUB%", "achatbchat"),
        ("{id}", "7"),
        ("{ID}", "7"),
        ("{price}", "2"),
        ("{sys.MethodName}-{SYS.methodname}", "negotiate-negotiate"),
        ("user-{id}-{query.user}", "user-7-ann"),
        ("{query.user}", "ann"),
        ("{Query.Room}", "blue"),
        ("{headers.x-ms-client-principal-id}", "p1"),
        ("{headers.X-MS-Client-Principal-Id}", "p1"),
        ("{headers.x-empty}", ""),
        ("{order.customer.name}", "bo"),
        ("{ready}", "True"),
        ("{nothing}", ""),
        ("{order}", ""),
        ("{order.lines}", ""),
        ("{{id}}", "{id}"),
        ("%WHO%", "ann"),
    ],
)
def test_text_is_resolved(text: str, resolved: str) -> None:
    assert resolve(text, SETTINGS, DATA) == resolved


def test_a_value_that_looks_like_an_expression_is_left_alone() -> None:
    assert resolve("{injected}", SETTINGS, DATA) == "%HUB% {id}"


@pytest.mark.parametrize(
    ("text", "expression", "reason"),
    [
        ("%MISSING%", "%MISSING%", "'%MISSING%' does not resolve to a value."),
        ("{room}", "{room}", "No value for named parameter 'room'."),
        ("{room.name}", "{room.name}", "No value for named parameter 'room'."),
        ("{}", "{}", "Invalid template '{}'. The parameter name '' is invalid."),
        ("{ id }", "{ id }", "Invalid template '{ id }'. The parameter name ' id ' is invalid."),
        ("{id", "{id", "Invalid template '{id'. Missing closing bracket at position 0."),
        (
            "a{query.{id}}",
            "a{query.{id}}",
            "Invalid template 'a{query.{id}}'. Missing closing bracket at position 1.",
        ),
        ("id}", "id}", "Invalid template 'id}'. Missing opening bracket at position 2."),
        ("100 %", "%", "The '%' at position 4 does not have a closing '%'"),
        ("50% of 80%", "% of 80%", "'% of 80%' does not resolve to a value."),
        ("{Query.room}", "{Query.room}", "Error while accessing 'room': property doesn't exist."),
        ("{sys.other}", "{sys.other}", "No value for named parameter 'sys'."),
        ("{datetime:x}", "{datetime:x}", "Input string was not in a correct format."),
        ("{query.name}", "{query.name}", "Error while accessing 'name': property doesn't exist."),
        (
            "{headers.x-ms-client-principal-name}",
            "{headers.x-ms-client-principal-name}",
            "Error while accessing 'x-ms-client-principal-name': property doesn't exist.",
        ),
        ("{id.name}", "{id.name}", "Error while accessing 'name': property doesn't exist."),
        ("{nothing.name}", "{nothing.name}", "Error while accessing 'name': property doesn't exist."),
    ],
)
def test_an_expression_without_a_value_is_named(text: str, expression: str, reason: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        resolve(text, SETTINGS, DATA)
    assert raised.value.expression == expression
    assert str(raised.value) == reason


def test_settings_alone_leave_braces_to_later() -> None:
    assert resolve_settings("%HUB%/{id}", SETTINGS) == "chat/{id}"


@pytest.mark.parametrize(
    ("expression", "form"),
    [
        ("{rand-guid}", r"[0-9a-f-]{36}"),
        ("{rand-guid:D}", r"[0-9a-f-]{36}"),
        ("{rand-guid:N}", r"[0-9a-f]{32}"),
        ("{rand-guid:B}", r"\{[0-9a-f-]{36}\}"),
        ("{rand-guid:P}", r"\([0-9a-f-]{36}\)"),
    ],
)
def test_rand_guid_is_new_every_time(expression: str, form: str) -> None:
    one, other = (resolve(expression, {}, {}) for _ in range(2))
    assert re.fullmatch(form, one)
    assert UUID(one.strip("()")).version == 4
    assert one != other


def test_datetime_is_the_present_moment_in_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ", resolve("{datetime}", {}, {}))


@pytest.mark.parametrize("name", ["datetime", "rand-guid"])
def test_data_comes_before_what_the_host_supplies(name: str) -> None:
    assert resolve(f"{{{name}}}", {}, {name: "mine"}) == "mine"


@pytest.mark.parametrize("expression", ["{sys.RandGuid}", "{Sys.randguid:D}", "{RAND-GUID}"])
def test_a_guid_has_several_names(expression: str) -> None:
    assert UUID(resolve(expression, {}, {})).version == 4


def test_rand_guid_has_no_other_form() -> None:
    with pytest.raises(ExpressionError, match="Format string can be only"):
        resolve("{rand-guid:Z}", {}, {})


@pytest.mark.parametrize(
    ("expression", "form"),
    [
        ("{datetime:yyyy-MM}", r"\d{4}-\d\d"),
        ("{DateTime:yyyyMMdd}", r"\d{8}"),
        (
            "{datetime:ddd, d MMM yy HH:mm:ss.fff}",
            r"[A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d\.\d{3}",
        ),
        ("{sys.UtcNow}", r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ"),
        ("{sys.UtcNow:yyyy}", r"\d{4}"),
    ],
)
def test_the_present_moment_has_any_form(expression: str, form: str) -> None:
    assert re.fullmatch(form, resolve(expression, {}, {}))
