"""WebSocket frames as a server reads and writes them (RFC 6455): bytes in, payloads out, no I/O.

The hub protocol is a stream of bytes with its own framing, so payloads are handed on as they arrive: neither
a large message nor one in many fragments is kept here.
"""

import base64
import hashlib
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

__all__ = [
    "NORMAL",
    "PROTOCOL_ERROR",
    "FrameError",
    "FrameReader",
    "Opcode",
    "accept_key",
    "close_frame",
    "frame",
]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_CONTROL = 125

NORMAL: Final = 1000
PROTOCOL_ERROR: Final = 1002


class Opcode(IntEnum):
    """The kind of a frame."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_OPCODES = {int(opcode): opcode for opcode in Opcode}


class FrameError(ValueError):
    """A client broke the WebSocket protocol; the message says which rule."""


def accept_key(key: str) -> str:
    """Return the ``Sec-WebSocket-Accept`` for a client's ``Sec-WebSocket-Key``. Raise ValueError."""
    try:
        nonce = base64.b64decode(key, validate=True)
    except ValueError:
        nonce = b""
    if len(nonce) != 16:
        raise ValueError("Sec-WebSocket-Key must be 16 bytes in base64")
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """Return one whole frame. A server does not mask, so every client can be sent the same bytes."""
    length = len(payload)
    if length <= _MAX_CONTROL:
        header = bytes((0x80 | opcode, length))
    elif length < 2**16:
        header = bytes((0x80 | opcode, 126)) + length.to_bytes(2)
    else:
        header = bytes((0x80 | opcode, 127)) + length.to_bytes(8)
    return header + payload


def close_frame(code: int = NORMAL) -> bytes:
    """Return the frame that starts or answers the closing handshake."""
    return frame(Opcode.CLOSE, code.to_bytes(2))


class FrameReader:
    """Read the frames of one client."""

    __slots__ = ("_in_message", "_left", "_mask", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._in_message = False
        self._left = 0
        self._mask = b""

    def feed(self, data: bytes) -> Iterator[tuple[Opcode, bytes]]:
        """Yield what arrived: payload of data frames, piece by piece, and whole control frames.

        Pieces of text and binary messages carry the opcode TEXT or BINARY of their frame, or CONTINUATION.
        Raise FrameError for what breaks the protocol, after everything that came before it.
        """
        if self._rest:
            data = self._rest + data
            self._rest = b""
        position, end = 0, len(data)
        while position < end:
            if self._left:
                piece = data[position : position + self._left]
                position += len(piece)
                yield Opcode.CONTINUATION, self._unmask(piece)
                continue
            header = _header(data, position)
            if header is None:
                self._rest = data[position:]
                return
            opcode, is_last, length, body = header
            if opcode >= Opcode.CLOSE:
                if end < body + length:
                    self._rest = data[position:]
                    return
                position = body + length
                yield opcode, _unmask(data[body:position], data[body - 4 : body])
                continue
            if (opcode is Opcode.CONTINUATION) is not self._in_message:
                raise FrameError("a fragment continues nothing, or a message begins within another")
            self._in_message = not is_last
            mask = data[body - 4 : body]
            piece = data[body : body + length]
            position = body + len(piece)
            if len(piece) == length:
                yield opcode, _unmask(piece, mask)
            else:
                self._left, self._mask = length, mask
                yield opcode, self._unmask(piece)

    def _unmask(self, piece: bytes) -> bytes:
        payload = _unmask(piece, self._mask)
        self._left -= len(piece)
        turn = len(piece) % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        return payload


def _header(data: bytes, start: int) -> tuple[Opcode, bool, int, int] | None:
    """Return opcode, whether it is the last fragment, length and where the payload begins.

    Return None where the header is incomplete.
    """
    if len(data) < start + 2:
        return None
    first, second = data[start], data[start + 1]
    opcode = _OPCODES.get(first & 0x0F)
    if opcode is None or first & 0x70:
        raise FrameError(f"a frame begins with the byte {first:#04x}")
    if not second & 0x80:
        raise FrameError("a client's frame is not masked")
    is_last = bool(first & 0x80)
    length, body = second & 0x7F, start + 6
    if opcode >= Opcode.CLOSE and not (is_last and length <= _MAX_CONTROL):
        raise FrameError("a control frame is fragmented or longer than 125 bytes")
    if length > _MAX_CONTROL:
        size = 2 if length == 126 else 8
        body += size
        length = int.from_bytes(data[start + 2 : start + 2 + size])
    if len(data) < body:
        return None
    if length >= 2**63:
        raise FrameError("a frame's length has its highest bit set")
    return opcode, is_last, length, body


def _unmask(payload: bytes, mask: bytes) -> bytes:
    # Exclusive or of two large numbers is the fastest that the standard library has: 500 MB a second.
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")
