"""The bodies of the service's requests: what a client called, as the SignalR extension reads it.

Where the extension rewrites or loses a value, so does this module, and says so once in the log.
"""

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from serverless_signalr.protocol.messagepack_protocol import check_lengths
from serverless_signalr.protocol.values import to_builtins
from signalr_local.host import newtonsoft
from signalr_local.host.dates import DateText, dates_in
from signalr_local.host.newtonsoft import JsonError
from signalr_local.host.notes import Notes

__all__ = ["Call", "close_error", "read_json", "read_messagepack"]

_INVOCATION, _CLOSE = 1, 7


@dataclass(frozen=True, slots=True)
class Call:
    """An invocation that a client sent; ``invocation_id`` is None where it expects no answer."""

    target: str
    arguments: list[Any] | None
    invocation_id: str | None


def read_json(body: bytes, notes: Notes, *, keep_values: bool) -> Call:
    """Read a call of a JSON client. Raise ValueError for a body that is none.

    With ``keep_values`` dates stay as they were sent.
    """
    text = body.decode("utf-8-sig", errors="replace")
    value = newtonsoft.read(text, dates=not keep_values, rest=True)
    if not isinstance(value, dict):
        raise JsonError(f"Error reading JObject from JsonReader: the value is {type(value).__name__}.")
    members = {name.lower(): item for name, item in value.items()}
    target, arguments, id = (members.get(name) for name in ("target", "arguments", "invocationid"))
    if _number(members.get("type")) != _INVOCATION or not isinstance(target, str):
        raise ValueError("the body is no invocation")
    if arguments is not None and not isinstance(arguments, list):
        raise ValueError("arguments must be a list")
    for date in dates_in(arguments):
        if date != date.sent:
            notes.say(
                "date",
                "A date in an argument was rewritten, as in Azure: a client sent %s, the function got %s. "
                "Send dates as numbers, or read them as dates. --keep-values leaves them, here only.",
                date.sent,
                str(date),
            )
    return Call(target, arguments, None if id is None else str(id))


def close_error(body: bytes) -> str | None:
    """Return why a connection was closed, None for no error."""
    try:
        value = newtonsoft.read(body.decode(errors="replace"), rest=True)
    except JsonError:
        return None
    if not isinstance(value, dict):
        return None
    found = next((item for name, item in value.items() if name.lower() == "error"), None)
    if isinstance(found, DateText):
        return found.invariant
    return None if found is None or isinstance(found, dict | list) else str(found)


def read_messagepack(body: bytes, notes: Notes, *, keep_values: bool) -> Call:
    """Read a call of a MessagePack client. Raise ValueError for a body that is none.

    With ``keep_values`` timestamps become texts, and whatever else Azure loses becomes what JSON can carry.
    """
    import msgpack

    unpacker = msgpack.Unpacker(strict_map_key=False, timestamp=3 if keep_values else 0, ext_hook=_Extension)
    unpacker.feed(body)
    try:
        check_lengths(body)
        value = unpacker.unpack()
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.OutOfData) as error:
        raise ValueError(f"the body is not MessagePack: {type(error).__name__}") from None
    newtonsoft.check_depth(value)
    match value:
        case [1, dict(), None | str() as id, str(target), list(arguments), *_] if type(value[0]) is int:
            if keep_values:
                return Call(target, [to_builtins(_plain(item)) for item in arguments], id)
            return Call(target, _Reader(notes).list(arguments), id)
        case _:
            raise ValueError("the body is no invocation")


@dataclass(frozen=True, slots=True)
class _Extension:
    code: int
    data: bytes


def _plain(value: Any) -> Any:
    match value:
        case _Extension():
            return [value.code, value.data]
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case _:
            return value


class _Reader:
    """Turn values into what the extension makes of them.

    It returns null for a timestamp, or any other extension value, without stepping over it: whatever
    follows in the body is null too, and a map's next name an error.
    """

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._is_stuck = False

    def list(self, items: list[Any]) -> list[Any]:
        return [self._value(item) for item in items]

    def _value(self, value: Any) -> Any:
        if self._is_stuck:
            return None
        match value:
            case _ if type(value).__name__ in ("_Extension", "Timestamp"):
                self._is_stuck = True
                self._notes.say(
                    "timestamp",
                    "A client sent a date (a MessagePack timestamp). In Azure it is null, and so is every "
                    "argument after it: send dates as texts or numbers. --keep-values keeps them, here only.",
                )
                return None
            case int() if value > (1 << 63) - 1:
                raise ValueError("Arithmetic operation resulted in an overflow.")
            case bytes():
                return base64.b64encode(value).decode()
            case float() if not math.isfinite(value):
                return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            case list():
                return self.list(value)
            case dict():
                return dict(self._members(value))
            case _:
                return value

    def _members(self, value: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
        for name, item in value.items():
            if self._is_stuck or not isinstance(name, str):
                raise ValueError(
                    "a map has a name that is no text" if not self._is_stuck else "a map holds a timestamp"
                )
            yield name, self._value(item)


def _number(value: object) -> int | None:
    try:
        return None if isinstance(value, bool) else int(str(value).removesuffix(".0"))
    except ValueError:
        return None
