"""The hub protocols that clients may speak here, and messages encoded once for each of them."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from serverless_signalr.protocol import json_protocol, messagepack_protocol
from serverless_signalr.protocol.messages import Completion, HubMessage, Invocation, Ping, ProtocolError
from signalr_local.emulator.headers import has_token, without_token_json, without_token_messagepack
from signalr_local.emulator.values import for_json, for_messagepack, with_values

__all__ = [
    "JSON",
    "MESSAGEPACK",
    "PROTOCOLS",
    "Frame",
    "FrameReader",
    "HubProtocol",
    "Outgoing",
    "Reply",
    "is_framed",
]

_SEPARATOR = json_protocol.RECORD_SEPARATOR.encode()

type Frame = str | bytes
"""One message as it came, without what separates it from the next."""


class Reply(NamedTuple):
    """What a client answered to an invocation, and the bytes that it was read from."""

    completion: Completion
    frame: Frame


class FrameReader(Protocol):
    """Cut what one client sends into frames, keeping an incomplete one for the next call."""

    def feed(self, data: bytes) -> list[Frame]: ...


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

    def forward(self, message: Invocation, frame: Frame, /) -> bytes:
        """Return a client's call as it is sent to the app; ``frame`` is what the message was read from.

        It is the frame itself, so that numbers and timestamps stay what the client wrote, without the token
        that it may have in its headers.
        """

    def frame(self, frame: Frame, /) -> bytes:
        """Return a frame as it is sent, with its separator or length."""

    def reader(self) -> FrameReader:
        """Return what reads the bytes of one client."""

    def parse(self, frame: Frame) -> HubMessage | None:
        """Read one frame. Return None for an unknown type, raise ProtocolError for what is no message."""


class _JsonFrames:
    def __init__(self) -> None:
        self._splitter = json_protocol.FrameSplitter()

    def feed(self, data: bytes) -> list[Frame]:
        try:
            return [*self._splitter.feed(data.decode())]
        except UnicodeDecodeError as error:
            raise ProtocolError(f"the message is not UTF-8: {error}") from None


class _Json:
    name = "json"
    content_type = "application/json"
    is_text = True

    def encode(self, message: HubMessage) -> bytes:
        try:
            return json_protocol.encode(message).encode()
        except TypeError:
            return json_protocol.encode(with_values(message, for_json)).encode()
        except RecursionError:
            raise ValueError("a value is nested too deeply") from None

    def forward(self, message: Invocation, frame: Frame, /) -> bytes:
        if not has_token(message.headers):
            return _packed(frame)
        return without_token_json(frame if isinstance(frame, str) else frame.decode()).encode()

    def frame(self, frame: Frame, /) -> bytes:
        return _packed(frame) + _SEPARATOR

    def reader(self) -> FrameReader:
        return _JsonFrames()

    def parse(self, frame: Frame) -> HubMessage | None:
        return json_protocol.parse(frame)


class _MessagePackFrames:
    def __init__(self) -> None:
        self._splitter = messagepack_protocol.FrameSplitter()

    def feed(self, data: bytes) -> list[Frame]:
        return [*self._splitter.feed(data)]


class _MessagePack:
    name = "messagepack"
    content_type = "application/x-msgpack"
    is_text = False

    def encode(self, message: HubMessage) -> bytes:
        try:
            return messagepack_protocol.encode(message)
        except (TypeError, OverflowError, UnicodeEncodeError):
            return messagepack_protocol.encode(with_values(message, for_messagepack))

    def forward(self, message: Invocation, frame: Frame, /) -> bytes:
        packed = _packed(frame)
        return without_token_messagepack(packed) if has_token(message.headers) else packed

    def frame(self, frame: Frame, /) -> bytes:
        return messagepack_protocol.frame(_packed(frame))

    def reader(self) -> FrameReader:
        return _MessagePackFrames()

    def parse(self, frame: Frame) -> HubMessage | None:
        return messagepack_protocol.parse(_packed(frame))


def _packed(frame: Frame) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()


JSON: HubProtocol = _Json()
MESSAGEPACK: HubProtocol = _MessagePack()

PROTOCOLS: dict[str, HubProtocol] = {protocol.name: protocol for protocol in (JSON, MESSAGEPACK)}
"""What a handshake may ask for."""


def is_framed(data: bytes, protocol: HubProtocol) -> bool:
    """Tell whether these bytes are complete messages of a protocol, one at least."""
    reader = protocol.reader()
    try:
        # Where something incomplete came before it, the ping is not read as one.
        frames = reader.feed(data + protocol.encode(Ping()))
        messages = [protocol.parse(frame) for frame in frames]
    except ProtocolError:
        return False
    return len(messages) > 1 and messages[-1] == Ping() and all(message is not None for message in messages)


class Outgoing:
    """Hold a message for any number of clients: it is encoded once for each protocol they speak."""

    __slots__ = ("_frames", "_message")

    def __init__(self, message: HubMessage, frames: Mapping[str, bytes] | None = None) -> None:
        """Take a message, and its bytes by protocol as far as somebody has encoded them already."""
        self._message = message
        self._frames = dict(frames or {})

    def encode(self, protocol: HubProtocol) -> bytes:
        """Return the message's bytes; every call for one protocol returns the same object."""
        frame = self._frames.get(protocol.name)
        if frame is None:
            frame = self._frames[protocol.name] = protocol.encode(self._message)
        return frame

    def read(self, protocol: HubProtocol) -> HubMessage:
        """Return the message as clients of a protocol understand it."""
        if protocol.name not in self._frames:
            return self._message
        (frame,) = protocol.reader().feed(self._frames[protocol.name])
        return protocol.parse(frame) or self._message
