"""The hub protocols that clients may speak here, and messages encoded once for each of them."""

from collections.abc import Mapping
from typing import Protocol

from signalr.protocol import json_protocol, messagepack_protocol
from signalr.protocol.messages import HubMessage, ProtocolError

__all__ = ["JSON", "MESSAGEPACK", "PROTOCOLS", "Frame", "FrameReader", "HubProtocol", "Outgoing"]

type Frame = str | bytes
"""One message as it came, without what separates it from the next."""


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
        """Return a message as it is sent to a client."""

    def encode_body(self, message: HubMessage) -> bytes:
        """Return a message as it is sent to the app: without separator or length."""

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
        return json_protocol.encode(message).encode()

    def encode_body(self, message: HubMessage) -> bytes:
        return self.encode(message).removesuffix(json_protocol.RECORD_SEPARATOR.encode())

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
        return messagepack_protocol.encode(message)

    def encode_body(self, message: HubMessage) -> bytes:
        (frame,) = messagepack_protocol.FrameSplitter().feed(self.encode(message))
        return frame

    def reader(self) -> FrameReader:
        return _MessagePackFrames()

    def parse(self, frame: Frame) -> HubMessage | None:
        return messagepack_protocol.parse(frame if isinstance(frame, bytes) else frame.encode())


JSON: HubProtocol = _Json()
MESSAGEPACK: HubProtocol = _MessagePack()

PROTOCOLS: dict[str, HubProtocol] = {protocol.name: protocol for protocol in (JSON, MESSAGEPACK)}
"""What a handshake may ask for."""


class Outgoing:
    """Hold a message for any number of clients: it is encoded once for each protocol they speak."""

    __slots__ = ("_frames", "message")

    def __init__(self, message: HubMessage, frames: Mapping[str, bytes] | None = None) -> None:
        """Take a message, and its bytes by protocol as far as somebody has encoded them already."""
        self.message = message
        self._frames = dict(frames or {})

    def encode(self, protocol: HubProtocol) -> bytes:
        """Return the message's bytes; every call for one protocol returns the same object."""
        frame = self._frames.get(protocol.name)
        if frame is None:
            frame = self._frames[protocol.name] = protocol.encode(self.message)
        return frame
