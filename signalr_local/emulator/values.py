"""Values that one hub protocol carries and the other has no form for.

They are converted as ASP.NET Core converts them: bytes are base64 in JSON, dates ISO 8601. A whole number
that has more than 64 bits is a float in MessagePack.
"""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import msgpack

from serverless_signalr.protocol.messages import (
    NO_RESULT,
    Completion,
    HubMessage,
    Invocation,
    StreamInvocation,
    StreamItem,
)

__all__ = ["Change", "for_json", "for_messagepack", "with_values"]

_MIN, _MAX = -(2**63), 2**64 - 1

type Change = Callable[[object], object]


def with_values(message: HubMessage, change: Change) -> HubMessage:
    """Return a message with each value that it carries replaced by what ``change`` makes of it."""
    match message:
        case Invocation() | StreamInvocation():
            return replace(message, arguments=[change(argument) for argument in message.arguments])
        case StreamItem():
            return replace(message, item=change(message.item))
        case Completion() if message.result is not NO_RESULT:
            return replace(message, result=change(message.result))
        case _:
            return message


def for_json(value: object) -> object:
    """Return a value that JSON can carry."""
    match value:
        case dict():
            return {_key(key): for_json(item) for key, item in value.items()}
        case list():
            return [for_json(item) for item in value]
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case msgpack.Timestamp():
            return for_json(value.to_datetime())
        case msgpack.ExtType():
            return None
        case _:
            return value


def for_messagepack(value: object) -> object:
    """Return a value that MessagePack can carry."""
    match value:
        case dict():
            return {for_messagepack(key): for_messagepack(item) for key, item in value.items()}
        case list():
            return [for_messagepack(item) for item in value]
        case str():
            # Half of a surrogate pair, which JSON can spell as an escape.
            return value.encode(errors="replace").decode()
        case int() if not _MIN <= value <= _MAX:
            return float(value)
        case datetime():
            return msgpack.Timestamp.from_datetime(value)
        case _:
            return value


def _key(key: object) -> str:
    text = for_json(key)
    return text if isinstance(text, str) else str(text)
