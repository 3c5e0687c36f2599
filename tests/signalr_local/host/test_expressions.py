"""Binding expressions: what they resolve to, and what is said of those that do not."""

import re
from typing import Any
from uuid import UUID

import pytest

from signalr_local.host.expressions import ExpressionError, resolve, resolve_settings

SETTINGS = {"HUB": "chat", "WHO": "{query.user}", "Nested:Name": "n"}

DATA: dict[str, Any] = {
    "Query": {"user": "ann", "Room": "blue"},
    "Headers": {"x-ms-client-principal-id": "p1", "x-empty": ""},
    "id": 7,
    "ready": True,
    "nothing": None,
    "order": {"Customer": {"name": "bo"}, "lines": [1, 2]},
    "injected": "%HUB% {id}",
}


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("", ""),
        ("chat", "chat"),
        ("%HUB%", "chat"),
        ("a%HUB%b%HUB%", "achatbchat"),
        ("100 %", "100 %"),
        ("50% of 80%", "50% of 80%"),
        ("{id}", "7"),
        ("{ID}", "7"),
        ("{ id }", "7"),
        ("user-{id}-{query.user}", "user-7-ann"),
        ("{query.user}", "ann"),
        ("{Query.room}", "blue"),
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
        ("{}", "{}", "No value for named parameter ''."),
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
