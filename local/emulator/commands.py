"""Commands that run on every connection which passes a filter.

Of OData's filters the emulator knows what the service's documentation shows: comparisons of ``userId`` and
``connectionId`` with texts or null by ``eq`` and ``ne``, ``startswith``, ``and``, ``or``, ``not``, and
parentheses. The service may know more.
"""

import re
from collections.abc import Callable

from local.emulator.call import Call
from local.emulator.connection import Connection
from local.emulator.protocols import Outgoing
from signalr.names import check_group_name
from signalr.protocol.messages import Invocation

__all__ = ["Filter", "execute", "parse_filter"]

type Filter = Callable[[Connection], bool]
type Command = Callable[[Connection], object]

_TOKEN = re.compile(r"\s*(?:([(),])|'((?:[^']|'')*)'|(\w+))")
_FIELDS: dict[str, Callable[[Connection], str | None]] = {
    "userid": lambda connection: connection.user_id,
    "connectionid": lambda connection: connection.connection_id,
}


def execute(call: Call) -> None:
    """Run all commands on each connection; none runs where one of them is wrong. Raise ValueError then."""
    if not isinstance(call.value, list) or not call.value:
        raise ValueError("The request body must be a list of commands.")
    commands = [_command(call, value) for value in call.value]
    passes = parse_filter(call.query.get("filter") or "")
    for connection in call.hub.in_hub():
        if passes(connection):
            for command in commands:
                command(connection)


def parse_filter(text: str) -> Filter:
    """Return what tells whether a connection passes; everybody passes an empty one. Raise ValueError."""
    if not text.strip():
        return lambda _: True
    return _Parser(text).parse()


def _command(call: Call, value: object) -> Command:
    match value:
        case {"type": "SendMessage", "message": {"target": str(target), **rest}} if target:
            arguments = rest.get("arguments") or []
            if not isinstance(arguments, list):
                raise ValueError("The arguments of a SendMessage command must be a list.")
            message = Outgoing(Invocation(target, arguments))
            return lambda connection: connection.send(message)
        case {"type": "JoinGroup", "group": str(group)}:
            check_group_name(group)
            return lambda connection: call.hub.add_to_group(connection.connection_id, group)
        case {"type": "LeaveGroup", "group": str(group)}:
            check_group_name(group)
            return lambda connection: call.hub.remove_from_group(connection.connection_id, group)
        case {"type": "CloseConnection", **rest}:
            reason = rest.get("reason")
            shown = reason if isinstance(reason, str) else None
            return lambda connection: connection.close(shown, allow_reconnect=True)
        case _:
            raise ValueError(
                "A command is an object with the type SendMessage (message), JoinGroup (group), "
                "LeaveGroup (group) or CloseConnection."
            )


class _Parser:
    """Read a filter from left to right: ``or`` binds least, ``not`` most."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        end = 0
        while text[end:].strip():
            found = _TOKEN.match(text, end)
            if found is None:
                raise ValueError(f"The filter cannot be read at position {end}.")
            sign, quoted, word = found.groups()
            kind = "sign" if sign else "word" if word else "text"
            self._tokens.append((kind, sign or word or quoted.replace("''", "'")))
            end = found.end()

    def parse(self) -> Filter:
        result = self._either()
        if self._tokens:
            raise ValueError(f"The filter goes on with {self._tokens[0][1]!r} where it should end.")
        return result

    def _either(self) -> Filter:
        left = self._both()
        while self._accept("word", "or"):
            left = _or(left, self._both())
        return left

    def _both(self) -> Filter:
        left = self._one()
        while self._accept("word", "and"):
            left = _and(left, self._one())
        return left

    def _one(self) -> Filter:
        if self._accept("word", "not"):
            inner = self._one()
            return lambda connection: not inner(connection)
        if self._accept("sign", "("):
            inner = self._either()
            self._expect("sign", ")")
            return inner
        if self._accept("word", "startswith"):
            self._expect("sign", "(")
            field = self._field()
            self._expect("sign", ",")
            prefix = self._take("text", "a text in quotes")
            self._expect("sign", ")")
            return lambda connection: (field(connection) or "").startswith(prefix)
        field = self._field()
        operator = self._take("word", "eq or ne")
        if operator not in ("eq", "ne"):
            raise ValueError(f"The filter has {operator!r}, expected eq or ne.")
        value = None if self._accept("word", "null") else self._take("text", "a text in quotes, or null")
        return lambda connection: (field(connection) == value) is (operator == "eq")

    def _field(self) -> Callable[[Connection], str | None]:
        name = self._take("word", "userId or connectionId")
        if name.lower() not in _FIELDS:
            raise ValueError(f"The filter has {name!r}, expected userId or connectionId.")
        return _FIELDS[name.lower()]

    def _accept(self, kind: str, value: str) -> bool:
        if self._tokens and self._tokens[0] == (kind, value):
            del self._tokens[0]
            return True
        return False

    def _expect(self, kind: str, value: str) -> None:
        if not self._accept(kind, value):
            raise ValueError(f"The filter lacks {value!r}.")

    def _take(self, kind: str, wanted: str) -> str:
        if not self._tokens or self._tokens[0][0] != kind:
            seen = repr(self._tokens[0][1]) if self._tokens else "its end"
            raise ValueError(f"The filter has {seen}, expected {wanted}.")
        return self._tokens.pop(0)[1]


def _or(left: Filter, right: Filter) -> Filter:
    return lambda connection: left(connection) or right(connection)


def _and(left: Filter, right: Filter) -> Filter:
    return lambda connection: left(connection) and right(connection)
