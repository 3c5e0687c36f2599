"""Filters: which connections pass, and what is said of a filter that cannot be read."""

from dataclasses import dataclass

import pytest

from signalr_local.emulator.filters import parse_filter


@dataclass(frozen=True)
class Connection:
    connection_id: str
    user_id: str | None
    groups: frozenset[str] = frozenset()


CONNECTIONS = {
    "ann": Connection("c1", "ann", frozenset({"red", "it's"})),
    "Ann": Connection("c2", "Ann", frozenset({"blue"})),
    "guest-1": Connection("c3", "guest-1"),
    "nobody": Connection("c4", None, frozenset({"red"})),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"ann", "Ann", "guest-1", "nobody"}),
        (" ", {"ann", "Ann", "guest-1", "nobody"}),
        ("true", {"ann", "Ann", "guest-1", "nobody"}),
        ("false", set()),
        ("userId eq 'ann'", {"ann"}),
        ("USERID eq 'ann'", {"ann"}),
        ("userId ne 'ann'", {"Ann", "guest-1", "nobody"}),
        ("userId eq null", {"nobody"}),
        ("userId ne null", {"ann", "Ann", "guest-1"}),
        ("connectionId eq 'c2'", {"Ann"}),
        ("userId in ('ann','guest-1', 'x')", {"ann", "guest-1"}),
        ("startswith(userId, 'guest-')", {"guest-1"}),
        ("startswith(userId,'')", {"ann", "Ann", "guest-1", "nobody"}),
        ("endswith(userId, 'nn')", {"ann", "Ann"}),
        ("contains(connectionId, '3')", {"guest-1"}),
        ("'red' in groups", {"ann", "nobody"}),
        ("'it''s' in groups", {"ann"}),
        ("not 'red' in groups", {"Ann", "guest-1"}),
        ("not startswith(userId, 'guest-')", {"ann", "Ann", "nobody"}),
        ("not not userId eq 'ann'", {"ann"}),
        ("not (userId eq 'ann' or userId eq 'Ann')", {"guest-1", "nobody"}),
        ("userId eq 'ann' or userId eq 'Ann' and 'red' in groups", {"ann"}),
        ("(userId eq 'ann' or userId eq 'Ann') and 'blue' in groups", {"Ann"}),
        ("not userId eq 'ann' and 'red' in groups", {"nobody"}),
    ],
)
def test_a_filter_chooses_connections(text: str, expected: set[str]) -> None:
    passes = parse_filter(text)
    assert {name for name, connection in CONNECTIONS.items() if passes(connection)} == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("userId", "The filter has its end, expected eq, ne or in."),
        ("userId eq", "The filter has its end, expected a text in quotes, or null."),
        ("userId eq ann", "The filter has 'ann', expected a text in quotes, or null."),
        ("userId like 'a'", "The filter has 'like', expected eq, ne or in."),
        ("name eq 'a'", "The filter has 'name', expected userId or connectionId."),
        ("startswith(userId 'a')", "The filter has 'a', expected ','."),
        ("startswith(groups, 'a')", "The filter has 'groups', expected userId or connectionId."),
        ("'a' in userId", "The filter has 'userId', expected 'groups'."),
        ("(userId eq 'a'", "The filter has its end, expected ')'."),
        ("userId eq 'a')", "The filter goes on with ')' where it should end."),
        ("userId eq 'a' userId", "The filter goes on with 'userId' where it should end."),
        ("userId eq 'a", "The filter cannot be read from its character 10 on."),
        ("userId in ()", "The filter has ')', expected a text in quotes."),
        ("and", "The filter has 'and', expected userId or connectionId."),
        ("(" * 60 + "true" + ")" * 60, "The filter is nested more than 50 times."),
        ("not " * 60 + "true", "The filter is nested more than 50 times."),
    ],
)
def test_a_filter_that_cannot_be_read_says_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^The filter") as refused:
        parse_filter(text)
    assert str(refused.value) == message
