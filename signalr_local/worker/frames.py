"""What host and worker say to each other: a JSON header and a body of bytes, both with their length."""

import json
import struct
from collections.abc import Buffer, Callable
from typing import Any, BinaryIO

__all__ = ["PREFIX", "Cutter", "Header", "encode", "pack", "read", "split_prefix"]

type Header = dict[str, Any]

PREFIX = struct.Struct(">II")

# json.dumps would make an encoder anew for every frame, json.loads guess the encoding.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode


def encode(header: Header, body: bytes = b"") -> bytes:
    """Return a frame with a header, which is encoded, and a body."""
    return pack(_encode(header).encode(), body)


def pack(header: bytes, body: bytes) -> bytes:
    """Return a frame: the lengths of header and body as two 32-bit numbers, the header, the body."""
    return PREFIX.pack(len(header), len(body)) + header + body


def decode(header: bytes) -> Any:
    """Return what a header holds."""
    return _decode(header.decode(errors="surrogatepass"))[0]


def split_prefix(prefix: Buffer) -> tuple[int, int]:
    """Return the lengths of header and body, from the first ``PREFIX.size`` bytes of a frame."""
    header_size, body_size = PREFIX.unpack(prefix)
    return header_size, body_size


class Cutter:
    """Cut a stream into frames, keeping what is incomplete for the next call."""

    def __init__(self, decode: Callable[[bytes], Any] = decode) -> None:
        self._decode = decode
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[Header, bytes]]:
        """Return the frames that ``data`` completes."""
        if self._rest:
            self._rest += data
            found, end = self._cut(self._rest)
            del self._rest[:end]
        else:
            # What comes is mostly a frame, or several, as they were written.
            found, end = self._cut(data)
            if end < len(data):
                self._rest += data[end:]
        return found

    def _cut(self, data: bytes | bytearray) -> tuple[list[tuple[Header, bytes]], int]:
        """Return the frames that begin ``data``, and where they end."""
        found, start = list[tuple[Header, bytes]](), 0
        while len(data) - start >= PREFIX.size:
            header_size, body_size = PREFIX.unpack_from(data, start)
            body = start + PREFIX.size + header_size
            end = body + body_size
            if len(data) < end:
                break
            found.append((self._decode(bytes(data[start + PREFIX.size : body])), bytes(data[body:end])))
            start = end
        return found, start


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
    return decode(header), body
