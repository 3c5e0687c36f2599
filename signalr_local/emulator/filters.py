"""Filters that choose connections, in a part of OData's language.

SignalR's documentation shows ``startswith(userId, 'listener-')`` and names OData; what the same service
documents for Web PubSub is taken for the rest. Known here are

- ``userId`` and ``connectionId`` with ``eq`` and ``ne`` to a text or null, with ``in ('a', 'b')``, and in
  ``startswith``, ``endswith`` and ``contains``;
- ``'name' in groups``;
- ``true``, ``false``, ``not``, ``and``, ``or`` and parentheses; ``or`` binds least, ``not`` most.

A text is in single quotes, a quote in it is doubled. Names of fields have no case, texts have.
Source: https://learn.microsoft.com/azure/azure-web-pubsub/reference-odata-filter.
"""

import re
from collections.abc import Callable, Collection
from typing import Protocol

__all__ = ["Candidate", "Filter", "parse_filter"]


class Candidate(Protocol):
    """A connection, as far as filters look at it."""

    @property
    def connection_id(self) -> str: ...

    @property
    def user_id(self) -> str | None: ...

    @property
    def groups(self) -> Collection[str]: ...


type Filter = Callable[[Candidate], bool]
type _Field = Callable[[Candidate], str | None]

_TOKEN = re.compile(r"\s*(?:(?P<sign>[(),])|'(?P<text>(?:[^']|'')*)'|(?P<word>\w+))")
_FIELDS: dict[str, _Field] = {
    "userid": lambda candidate: candidate.user_id,
    "connectionid": lambda candidate: candidate.connection_id,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}
_MAX_DEPTH = 50


def parse_filter(text: str) -> Filter:
    """Return a predicate for connections. An empty filter selects all of them.

    Raise ValueError that says what was expected where.
    """
    if not text.strip():
        return lambda _: True
    return _Parser(text).parse()


class _Parser:
    """A recursive-descent parser for filters."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._depth = 0
        end = 0
        while text[end:].strip():
            found = _TOKEN.match(text, end)
            if found is None:
                raise ValueError(f"The filter cannot be read from its character {end + 1} on.")
            kind = found.lastgroup or ""
            value = found[kind]
            self._tokens.append((kind, value.replace("''", "'") if kind == "text" else value))
            end = found.end()

    def parse(self) -> Filter:
        result = self._either()
        if self._tokens:
            raise ValueError(f"The filter goes on with {self._tokens[0][1]!r} where it should end.")
        return result

    def _either(self) -> Filter:
        choices = [self._both()]
        while self._accept("word", "or"):
            choices.append(self._both())
        return lambda candidate: any(choice(candidate) for choice in choices)

    def _both(self) -> Filter:
        conditions = [self._one()]
        while self._accept("word", "and"):
            conditions.append(self._one())
        return lambda candidate: all(condition(candidate) for condition in conditions)

    def _one(self) -> Filter:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError(f"The filter is nested more than {_MAX_DEPTH} times.")
        try:
            return self._condition()
        finally:
            self._depth -= 1

    def _condition(self) -> Filter:
        if self._accept("word", "not"):
            inner = self._one()
            return lambda candidate: not inner(candidate)
        if self._accept("sign", "("):
            result = self._either()
            self._expect("sign", ")")
            return result
        for constant in ("true", "false"):
            if self._accept("word", constant):
                return lambda _: constant == "true"
        if self._tokens and self._tokens[0][0] == "text":
            group = self._take("text", "a text in quotes")
            self._expect("word", "in")
            self._expect("word", "groups")
            return lambda candidate: group in candidate.groups
        name = self._take("word", "a condition")
        if name in _FUNCTIONS:
            return self._function(_FUNCTIONS[name])
        return self._comparison(_field(name))

    def _function(self, function: Callable[[str, str], bool]) -> Filter:
        self._expect("sign", "(")
        field = _field(self._take("word", "userId or connectionId"))
        self._expect("sign", ",")
        text = self._take("text", "a text in quotes")
        self._expect("sign", ")")
        return lambda candidate: function(field(candidate) or "", text)

    def _comparison(self, field: _Field) -> Filter:
        operator = self._take("word", "eq, ne or in")
        match operator:
            case "eq" | "ne":
                is_null = self._accept("word", "null")
                value = None if is_null else self._take("text", "a text in quotes, or null")
                return lambda candidate: (field(candidate) == value) is (operator == "eq")
            case "in":
                self._expect("sign", "(")
                values = {self._take("text", "a text in quotes")}
                while self._accept("sign", ","):
                    values.add(self._take("text", "a text in quotes"))
                self._expect("sign", ")")
                return lambda candidate: field(candidate) in values
            case _:
                raise ValueError(f"The filter has {operator!r}, expected eq, ne or in.")

    def _accept(self, kind: str, value: str) -> bool:
        if self._tokens and self._tokens[0] == (kind, value):
            del self._tokens[0]
            return True
        return False

    def _expect(self, kind: str, value: str) -> None:
        if not self._accept(kind, value):
            raise ValueError(f"The filter has {self._seen()}, expected {value!r}.")

    def _take(self, kind: str, wanted: str) -> str:
        if not self._tokens or self._tokens[0][0] != kind:
            raise ValueError(f"The filter has {self._seen()}, expected {wanted}.")
        return self._tokens.pop(0)[1]

    def _seen(self) -> str:
        return repr(self._tokens[0][1]) if self._tokens else "its end"


def _field(name: str) -> _Field:
    field = _FIELDS.get(name.lower())
    if field is None:
        raise ValueError(f"The filter has {name!r}, expected userId or connectionId.")
    return field
