"""The bodies of REST requests, in each of the forms that the service accepts.

Source: https://github.com/Azure/azure-signalr/tree/dev/docs/swagger and, for ``application/octet-stream``,
the payload of the .NET SDK: a map of protocols to frames that it has encoded already. What
``application/x-msgpack`` looks like nobody says; here it is what the JSON would be, in MessagePack.
"""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Never

import msgpack

from serverless_signalr.protocol.messagepack_protocol import check_lengths
from serverless_signalr.protocol.messages import HubMessage, Invocation, ProtocolError, StreamItem
from signalr_local.emulator.call import Body, RestError, invalid
from signalr_local.emulator.depth import is_deeper
from signalr_local.emulator.protocols import PROTOCOLS, Outgoing, is_framed

__all__ = ["check_content_type", "read_item", "read_message", "read_value"]

_JSON = "application/json"
_MESSAGEPACK = "application/x-msgpack"
_FRAMES = "application/octet-stream"

_MAX_DEPTH = 64
"""How deep a .NET client reads JSON."""

_HALF_PAIR = re.compile("[\ud800-\udfff]")

_EXAMPLE = '{"target": "newMessage", "arguments": []}'


def check_content_type(content_type: str | None, body: Body) -> None:
    """Raise RestError for a Content-Type header that this kind of body cannot have, or for none."""
    expected = [_JSON] if body is Body.JSON else [_JSON, _MESSAGEPACK, _FRAMES]
    media_type = "" if content_type is None else content_type.partition(";")[0].strip().lower()
    if media_type not in expected:
        seen = f"The content type is {media_type[:80]}" if media_type else "The request has no content type"
        raise RestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{seen}, expected {' or '.join(expected)}.", "Content-Type"
        )


def read_message(content_type: str, body: bytes) -> Outgoing:
    """Return the message in a body. Raise RestError, which says what is wrong with it."""
    if content_type == _FRAMES:
        return _read_frames(body, lambda message: isinstance(message, Invocation))
    value = read_value(content_type, body)
    if not isinstance(value, dict):
        raise invalid(f"The request body must be a JSON object such as {_EXAMPLE}.")
    fields = {name.lower(): item for name, item in value.items() if isinstance(name, str)}
    target, arguments = fields.get("target"), fields.get("arguments")
    if not isinstance(target, str) or not target:
        raise invalid("The Target field is required.", "target")
    if arguments is not None and not isinstance(arguments, list):
        raise invalid("The Arguments field must be a list.", "arguments")
    # Half of a surrogate pair has no form in UTF-8; .NET replaces it.
    return Outgoing(Invocation(_HALF_PAIR.sub("\ufffd", target), arguments or []))


def read_item(content_type: str, body: bytes, stream: str) -> Outgoing:
    """Return the stream item in a body, which is the item itself in JSON and MessagePack."""
    if content_type == _FRAMES:
        return _read_frames(
            body, lambda message: isinstance(message, StreamItem) and message.invocation_id == stream
        )
    return Outgoing(StreamItem(stream, read_value(content_type, body)))


def read_value(content_type: str, body: bytes) -> object:
    """Return the value of a body in JSON or MessagePack. Raise RestError if it is not valid."""
    if not body.strip():
        raise invalid("Message in request body is required.")
    if content_type == _MESSAGEPACK:
        value = _unpack(body)
        _check_depth(value)
        return value
    try:
        value = json.loads(body, parse_constant=_refuse_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise invalid(f"The request body is not valid JSON: {error}") from None
    if body.count(b"[") + body.count(b"{") > _MAX_DEPTH:
        _check_depth(value)
    return value


def _check_depth(value: object) -> None:
    if is_deeper(value, _MAX_DEPTH):
        raise invalid(
            f"The request body is nested more than {_MAX_DEPTH} levels deep: .NET clients would lose their "
            "connection over it."
        )


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
            raise invalid(f"The frame for the protocol {name} in the request body is not a message to send.")
    # For clients of a protocol without a frame the message is converted, from the JSON frame if there is one.
    for name in PROTOCOLS:
        if (found := messages.get(name)) is not None:
            return Outgoing(found, frames)
    raise invalid(f"The request body must be a map with a message for {' or '.join(PROTOCOLS)}.")


def _parse(frame: bytes, name: str) -> HubMessage | None:
    protocol = PROTOCOLS[name]
    try:
        found = list(protocol.reader(len(frame)).feed(frame))
        return protocol.parse(found[0]) if len(found) == 1 and is_framed(frame, protocol) else None
    except ProtocolError:
        return None


def _unpack(body: bytes) -> object:
    try:
        check_lengths(body)
        return msgpack.unpackb(body, timestamp=3, strict_map_key=False, unicode_errors="replace")
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        hint = f" A JSON body needs the content type {_JSON}." if body.lstrip()[:1] in (b"{", b"[") else ""
        raise invalid(f"The request body is not valid MessagePack: {type(error).__name__}.{hint}") from None


def _refuse_number(text: str) -> Never:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        _refuse_number(text)
    return number
