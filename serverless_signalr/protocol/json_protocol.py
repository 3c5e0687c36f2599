"""The JSON hub protocol: one object per message, terminated by the record separator 0x1e."""

import json
import re
from typing import Any

from serverless_signalr.protocol.messages import (
    NO_RESULT,
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    ProtocolError,
    Sequence,
    StreamInvocation,
    StreamItem,
)
from serverless_signalr.protocol.text import has_surrogates

__all__ = ["RECORD_SEPARATOR", "FrameSplitter", "encode", "parse"]

RECORD_SEPARATOR = "\x1e"

_HALF_PAIR = re.compile("[\ud800-\udfff]")


class FrameSplitter:
    """A splitter of text into frames that buffers incomplete frames between calls.

    The cost is proportional to the text, however small its pieces are. A frame with more than ``limit``
    characters raises ProtocolError as soon as that is known. None means no limit.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, text: str) -> list[str]:
        """Return the frames that ``text`` completes, without their separators. Raise ProtocolError."""
        first, *more = text.split(RECORD_SEPARATOR)
        self._keep(first)
        if not more:
            return []
        frames = ["".join(self._pieces), *more[:-1]]
        self._pieces, self._size = [], 0
        for frame in frames:
            self._check(len(frame))
        self._keep(more[-1])
        return frames

    def _keep(self, piece: str) -> None:
        self._size += len(piece)
        self._check(self._size)
        if piece:
            self._pieces.append(piece)

    def _check(self, size: int) -> None:
        if self._limit is not None and size > self._limit:
            raise ProtocolError(f"a message has more than {self._limit:,} characters")


def encode(message: HubMessage) -> str:
    """Return the message as a frame with its separator. Raise ProtocolError if JSON cannot carry it."""
    try:
        text = _encoder.encode(_to_json(message))
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"the message has no form in JSON: {error}") from None
    if has_surrogates(text):
        # Half of a surrogate pair cannot be encoded as UTF-8, but JSON allows it as an escape.
        text = _HALF_PAIR.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text + RECORD_SEPARATOR


def parse(frame: str | bytes) -> HubMessage | None:
    """Parse a frame without its separator. Return None for an unknown message type.

    Raise ProtocolError for anything but a message. Values are not converted: dates stay strings.
    """
    try:
        text = frame if isinstance(frame, str) else frame.decode(json.detect_encoding(frame), "surrogatepass")
        value = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the message is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ProtocolError(f"the message is a JSON {type(value).__name__}, expected an object")
    reader = _Fields(value)
    match value.get("type"):
        case bool() | float() as other:
            raise ProtocolError(f"the message's type is {other!r}, expected a number")
        case 1:
            return Invocation(
                target=reader.text("target"),
                arguments=reader.arguments(),
                invocation_id=reader.optional_text("invocationId"),
                headers=reader.headers(),
                stream_ids=reader.texts("streamIds"),
            )
        case 2:
            return StreamItem(reader.text("invocationId"), value.get("item"))
        case 3:
            if "result" in value and value.get("error") is not None:
                raise ProtocolError("the completion has a result and an error, expected one of them")
            return Completion(
                reader.text("invocationId"), value.get("result", NO_RESULT), reader.optional_text("error")
            )
        case 4:
            return StreamInvocation(
                target=reader.text("target"),
                arguments=reader.arguments(),
                invocation_id=reader.text("invocationId"),
                headers=reader.headers(),
                stream_ids=reader.texts("streamIds"),
            )
        case 5:
            return CancelInvocation(reader.text("invocationId"))
        case 6:
            return Ping()
        case 7:
            return Close(reader.optional_text("error"), value.get("allowReconnect") is True)
        case 8:
            return Ack(reader.number("sequenceId"))
        case 9:
            return Sequence(reader.number("sequenceId"))
        case int():
            return None
        case other:
            raise ProtocolError(f"the message's type is {other!r}, expected a number")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number in JSON")


# The functions of the module json would make them anew for each message.
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_decoder = json.JSONDecoder(parse_constant=_refuse)


class _Fields:
    def __init__(self, value: dict[str, Any]) -> None:
        self._value = value

    def text(self, name: str) -> str:
        value = self._value.get(name)
        if not isinstance(value, str) or not value:
            raise ProtocolError(f"{name} is {_shown(value)}, expected a text")
        return value

    def optional_text(self, name: str) -> str | None:
        value = self._value.get(name)
        if value is not None and not isinstance(value, str):
            raise ProtocolError(f"{name} is {_shown(value)}, expected a text")
        return value

    def number(self, name: str) -> int:
        value = self._value.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ProtocolError(f"{name} is {_shown(value)}, expected a whole number")
        return value

    def texts(self, name: str) -> list[str]:
        value = self._value.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ProtocolError(f"{name} is {_shown(value)}, expected a list of texts")
        return value

    def arguments(self) -> list[object]:
        value = self._value.get("arguments")
        if not isinstance(value, list):
            raise ProtocolError(f"arguments is {_shown(value)}, expected a list")
        return value

    def headers(self) -> dict[str, str]:
        value = self._value.get("headers") or {}
        if not isinstance(value, dict):
            raise ProtocolError(f"headers is {_shown(value)}, expected an object")
        return {name: str(item) for name, item in value.items()}


def _shown(value: object) -> str:
    return "absent" if value is None else f"a {type(value).__name__}"


def _to_json(message: HubMessage) -> dict[str, object]:
    match message:
        case Invocation():
            return _call(1, message)
        case StreamItem():
            return {"type": 2, "invocationId": message.invocation_id, "item": message.item}
        case Completion():
            completion: dict[str, object] = {"type": 3, "invocationId": message.invocation_id}
            if message.error is not None:
                completion["error"] = message.error
            elif message.result is not NO_RESULT:
                completion["result"] = message.result
            return completion
        case StreamInvocation():
            return _call(4, message)
        case CancelInvocation():
            return {"type": 5, "invocationId": message.invocation_id}
        case Ping():
            return {"type": 6}
        case Close():
            close: dict[str, object] = {"type": 7}
            if message.error is not None:
                close["error"] = message.error
            if message.allow_reconnect:
                close["allowReconnect"] = True
            return close
        case Ack():
            return {"type": 8, "sequenceId": message.sequence_id}
        case Sequence():
            return {"type": 9, "sequenceId": message.sequence_id}


def _call(number: int, message: Invocation | StreamInvocation) -> dict[str, object]:
    call: dict[str, object] = {"type": number}
    if message.headers:
        call["headers"] = message.headers
    if message.invocation_id is not None:
        call["invocationId"] = message.invocation_id
    call["target"] = message.target
    call["arguments"] = message.arguments
    if message.stream_ids:
        call["streamIds"] = message.stream_ids
    return call
