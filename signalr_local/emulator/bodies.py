"""What the body of a REST request holds, in each of the forms that the service takes.

Source: https://github.com/Azure/azure-signalr/tree/dev/docs/swagger and, for ``application/octet-stream``,
the payload of the .NET SDK: a map of protocols to frames that it has encoded already. What
``application/x-msgpack`` looks like nobody says; here it is what the JSON would be, in MessagePack.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Never

import msgpack

from serverless_signalr.protocol.messages import HubMessage, Invocation, ProtocolError, StreamItem
from signalr_local.emulator.call import Body, RestError
from signalr_local.emulator.protocols import PROTOCOLS, Outgoing, is_framed

__all__ = ["check_content_type", "read_item", "read_message", "read_value"]

_JSON = "application/json"
_MESSAGEPACK = "application/x-msgpack"
_FRAMES = "application/octet-stream"

_EXAMPLE = '{"target": "newMessage", "arguments": []}'


def check_content_type(content_type: str, body: Body) -> None:
    """Raise RestError for a content type in which this kind of body cannot come."""
    expected = [_JSON] if body is Body.JSON else [_JSON, _MESSAGEPACK, _FRAMES]
    if content_type not in expected:
        raise RestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The content type is {content_type}, expected {' or '.join(expected)}.",
            "Content-Type",
        )


def read_message(content_type: str, body: bytes) -> Outgoing:
    """Return the message that a body asks to send. Raise RestError that says what is wrong with it."""
    if content_type == _FRAMES:
        return _read_frames(body, lambda message: isinstance(message, Invocation))
    value = read_value(content_type, body)
    if not isinstance(value, dict):
        raise _invalid(f"The request body must be a JSON object such as {_EXAMPLE}.")
    fields = {name.lower(): item for name, item in value.items() if isinstance(name, str)}
    target, arguments = fields.get("target"), fields.get("arguments")
    if not isinstance(target, str) or not target:
        raise _invalid("The Target field is required.", "target")
    if arguments is not None and not isinstance(arguments, list):
        raise _invalid("The Arguments field must be a list.", "arguments")
    return Outgoing(Invocation(target, arguments or []))


def read_item(content_type: str, body: bytes, stream: str) -> Outgoing:
    """Return the item of a stream that a body holds: as JSON or MessagePack it is the item itself."""
    if content_type == _FRAMES:
        return _read_frames(
            body, lambda message: isinstance(message, StreamItem) and message.invocation_id == stream
        )
    return Outgoing(StreamItem(stream, read_value(content_type, body)))


def read_value(content_type: str, body: bytes) -> object:
    """Return the value of a body in JSON or MessagePack. Raise RestError for what is neither."""
    if not body.strip():
        raise _invalid("Message in request body is required.")
    if content_type == _MESSAGEPACK:
        return _unpack(body)
    try:
        return json.loads(body, parse_constant=_refuse_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"The request body is not valid JSON: {error}") from None


def _read_frames(body: bytes, is_right: Callable[[HubMessage | None], bool]) -> Outgoing:
    value = _unpack(body)
    frames = {
        name: frame
        for name, frame in (value.items() if isinstance(value, dict) else ())
        if name in PROTOCOLS and isinstance(frame, bytes)
    }
    messages = {name: _parse(frame, name) for name, frame in frames.items()}
    for name, message in messages.items():
        if not is_right(message):
            raise _invalid(f"The request body has for the protocol {name} what is no message to send.")
    # A client whose protocol is not among the frames gets the message converted, from JSON if that is there.
    for name in PROTOCOLS:
        if (found := messages.get(name)) is not None:
            return Outgoing(found, frames)
    raise _invalid(f"The request body must be a map with a message for {' or '.join(PROTOCOLS)}.")


def _parse(frame: bytes, name: str) -> HubMessage | None:
    protocol = PROTOCOLS[name]
    try:
        found = protocol.reader().feed(frame)
        return protocol.parse(found[0]) if len(found) == 1 and is_framed(frame, protocol) else None
    except ProtocolError:
        return None


def _unpack(body: bytes) -> object:
    try:
        return msgpack.unpackb(body, timestamp=3, strict_map_key=False)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _invalid(f"The request body is not valid MessagePack: {type(error).__name__}.") from None


def _invalid(message: str, target: str | None = None) -> RestError:
    return RestError(HTTPStatus.BAD_REQUEST, message, target)


def _refuse_number(text: str) -> Never:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        _refuse_number(text)
    return number
