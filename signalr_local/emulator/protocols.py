"""The hub protocols that clients may speak here, and messages encoded once for each of them."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from serverless_signalr.protocol import json_protocol, messagepack_protocol
from serverless_signalr.protocol.messages import (
    CancelInvocation,
    Completion,
    HubMessage,
    Invocation,
    ProtocolError,
    StreamInvocation,
    StreamItem,
)
from signalr_local.emulator.headers import has_token, without_token_json, without_token_messagepack
from signalr_local.emulator.splitters import RecordSplitter, SizedSplitter, Splitter
from signalr_local.emulator.values import Change, for_json, for_messagepack, with_values

__all__ = [
    "JSON",
    "MESSAGEPACK",
    "PROTOCOLS",
    "Encoded",
    "Frame",
    "HubProtocol",
    "Outgoing",
    "Reply",
    "is_counted",
    "is_framed",
]

type Frame = bytes
"""One message as it came, without what separates it from the next."""

_SEPARATOR = json_protocol.RECORD_SEPARATOR.encode()


class Reply(NamedTuple):
    """What a client answered to an invocation, and the bytes that it was read from."""

    completion: Completion
    frame: Frame


class HubProtocol(Protocol):
    """Turn messages into bytes and back.

    ``is_text`` chooses the WebSocket frame, ``content_type`` the header of an upstream request.
    """

    name: str
    content_type: str
    is_text: bool

    def encode(self, message: HubMessage) -> bytes:
        """Return a message as it is sent to a client.

        What this protocol has no form for is converted. Raise ValueError where that is not possible.
        """

    def forward(self, message: Invocation | StreamInvocation, frame: Frame, /) -> bytes:
        """Return a client's call as it is sent to the app: as it came, but without the client's token.

        Numbers and timestamps are what the client wrote. ``frame`` is what the message was read from, without
        separator or length.
        """

    def frame(self, frame: Frame, /) -> bytes:
        """Return a frame as it is sent, with its separator or length."""

    def reader(self, max_message: int, /) -> Splitter:
        """Return what cuts the bytes of one client into frames."""

    def parse(self, frame: Frame) -> HubMessage | None:
        """Read one frame. Return None for an unknown type, raise ProtocolError for what is no message."""


def _converted(message: HubMessage, change: Change) -> HubMessage:
    try:
        return with_values(message, change)
    except RecursionError:
        raise ValueError("a value is nested too deeply") from None


class _Json:
    name = "json"
    content_type = "application/json"
    is_text = True

    def encode(self, message: HubMessage) -> bytes:
        try:
            return json_protocol.encode(message).encode()
        except ProtocolError:
            return json_protocol.encode(_converted(message, for_json)).encode()

    def forward(self, message: Invocation | StreamInvocation, frame: Frame, /) -> bytes:
        if not has_token(message.headers):
            return frame
        return without_token_json(frame.decode()).encode()

    def frame(self, frame: Frame, /) -> bytes:
        return frame + _SEPARATOR

    def reader(self, max_message: int, /) -> Splitter:
        return RecordSplitter(max_message)

    def parse(self, frame: Frame) -> HubMessage | None:
        try:
            text = frame.decode()
        except UnicodeDecodeError as error:
            raise ProtocolError(f"the message is not UTF-8: {error}") from None
        return _checked(json_protocol.parse(text))


class _MessagePack:
    name = "messagepack"
    content_type = "application/x-msgpack"
    is_text = False

    def encode(self, message: HubMessage) -> bytes:
        try:
            return messagepack_protocol.encode(message)
        except ProtocolError:
            return messagepack_protocol.encode(_converted(message, for_messagepack))

    def forward(self, message: Invocation | StreamInvocation, frame: Frame, /) -> bytes:
        return without_token_messagepack(frame) if has_token(message.headers) else frame

    def frame(self, frame: Frame, /) -> bytes:
        return messagepack_protocol.frame(frame)

    def reader(self, max_message: int, /) -> Splitter:
        return SizedSplitter(max_message)

    def parse(self, frame: Frame) -> HubMessage | None:
        return messagepack_protocol.parse(frame)


def _checked(message: HubMessage | None) -> HubMessage | None:
    """Refuse names that .NET's JSON reader refuses: half of a surrogate pair is no text to it."""
    if isinstance(message, Invocation | StreamInvocation):
        name = message.target if message.invocation_id is None else message.target + message.invocation_id
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ProtocolError("target or invocationId holds half of a surrogate pair") from None
    return message


JSON: HubProtocol = _Json()
MESSAGEPACK: HubProtocol = _MessagePack()

PROTOCOLS: dict[str, HubProtocol] = {protocol.name: protocol for protocol in (JSON, MESSAGEPACK)}
"""What a handshake may ask for."""


def is_framed(data: bytes, protocol: HubProtocol) -> bool:
    """Tell whether these bytes are complete messages of a protocol, one at least."""
    reader = protocol.reader(len(data))
    try:
        messages = [protocol.parse(frame) for frame in reader.feed(data)]
    except ProtocolError:
        return False
    return bool(messages) and None not in messages and reader.is_empty


def is_counted(message: HubMessage | None) -> bool:
    """Tell whether a message has a number in stateful reconnect: pings and the like have none."""
    return isinstance(message, Invocation | StreamItem | Completion | StreamInvocation | CancelInvocation)


class Encoded:
    """A message as the clients of one protocol get it: all of them are sent the same bytes."""

    __slots__ = ("frame", "is_counted", "is_text", "payload", "size")

    def __init__(self, payload: bytes, is_text: bool, *, is_counted: bool = True) -> None:
        self.payload = payload
        self.is_counted = is_counted
        """Whether it has a number in stateful reconnect, see ``is_counted``."""
        self.size = len(payload)
        self.is_text = is_text
        self.frame: bytes | None = None
        """The WebSocket frame that holds it alone, once one was asked for."""


class Outgoing:
    """A message for any number of clients: it is encoded once for each protocol they speak."""

    __slots__ = ("_encoded", "_message", "given")

    def __init__(self, message: HubMessage, frames: Mapping[str, bytes] | None = None) -> None:
        """Take a message, and its bytes by protocol as far as somebody has encoded them already."""
        self._message = message
        self.given = frozenset(frames or ())
        """The protocols for which somebody had encoded the message."""
        self._encoded = {
            name: Encoded(frame, PROTOCOLS[name].is_text) for name, frame in (frames or {}).items()
        }

    @property
    def target(self) -> str | None:
        """What the message calls, None if it is no invocation."""
        return self._message.target if isinstance(self._message, Invocation) else None

    def encoded(self, protocol: HubProtocol) -> Encoded:
        """Return the message for a protocol; every call returns the same object. Raise ValueError."""
        encoded = self._encoded.get(protocol.name)
        if encoded is None:
            payload = protocol.encode(self._message)
            encoded = Encoded(payload, protocol.is_text, is_counted=is_counted(self._message))
            self._encoded[protocol.name] = encoded
        return encoded

    def encode(self, protocol: HubProtocol) -> bytes:
        """Return the message's bytes. Raise ValueError if the protocol cannot carry them."""
        return self.encoded(protocol).payload

    def read(self, protocol: HubProtocol) -> HubMessage:
        """Return the message as clients of a protocol understand it."""
        if protocol.name not in self._encoded:
            return self._message
        payload = self._encoded[protocol.name].payload
        (frame,) = protocol.reader(len(payload)).feed(payload)
        return protocol.parse(frame) or self._message
