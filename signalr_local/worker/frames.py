"""What host and worker say to each other: a JSON header and a body of bytes, both with their length."""

import json
import struct
from collections.abc import Buffer
from typing import Any, BinaryIO

__all__ = ["PREFIX", "Cutter", "Header", "encode", "read", "split_prefix"]

type Header = dict[str, Any]

PREFIX = struct.Struct(">II")

# json.dumps would make an encoder anew for every frame.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def encode(header: Header, body: bytes = b"") -> bytes:
    """Return a frame: the lengths of header and body as two 32-bit numbers, the header, the body."""
    text = _encode(header).encode()
    return PREFIX.pack(len(text), len(body)) + text + body


def split_prefix(prefix: Buffer) -> tuple[int, int]:
    """Return the lengths of header and body, from the first ``PREFIX.size`` bytes of a frame."""
    header_size, body_size = PREFIX.unpack(prefix)
    return header_size, body_size


class Cutter:
    """Cut a stream into frames, keeping what is incomplete for the next call."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[Header, bytes]]:
        """Return the frames that ``data`` completes."""
        self._buffer += data
        buffer, start, found = self._buffer, 0, list[tuple[Header, bytes]]()
        while len(buffer) - start >= PREFIX.size:
            header_size, body_size = PREFIX.unpack_from(buffer, start)
            body = start + PREFIX.size + header_size
            end = body + body_size
            if len(buffer) < end:
                break
            found.append((json.loads(bytes(buffer[start + PREFIX.size : body])), bytes(buffer[body:end])))
            start = end
        if start:
            del buffer[:start]
        return found


def read(stream: BinaryIO) -> tuple[Header, bytes] | None:
    """Read the next frame, None at the end of the stream."""
    prefix = stream.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    header_size, body_size = split_prefix(prefix)
    header = stream.read(header_size)
    body = stream.read(body_size)
    if len(header) < header_size or len(body) < body_size:
        return None
    return json.loads(header), body
