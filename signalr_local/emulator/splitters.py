"""Cut the bytes that a client sends into messages of a hub protocol: in linear time, and bounded.

Bytes and not text: a WebSocket frame or a POST may end within a character.
"""

from collections.abc import Iterator
from typing import Protocol

from serverless_signalr.protocol.json_protocol import RECORD_SEPARATOR
from serverless_signalr.protocol.messages import ProtocolError

__all__ = ["RecordSplitter", "SizedSplitter", "Splitter"]

_SEPARATOR = RECORD_SEPARATOR.encode()
_MAX_LENGTH_BYTES = 5
_SLICE = 64 * 1024


class Splitter(Protocol):
    """Cut what one client sends into frames, keeping an incomplete one for the next call."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing incomplete is kept."""

    def feed(self, data: bytes, /) -> Iterator[bytes]:
        """Yield the frames that ``data`` completes. Exhaust one call's before the next call.

        Raise ProtocolError, after the frames before it, for a message that is too large or has no end.
        """


class RecordSplitter:
    """Cut at record separators, as in the JSON hub protocol."""

    __slots__ = ("_max", "_pieces", "_size")

    def __init__(self, max_message: int) -> None:
        self._max = max_message
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing incomplete is kept."""
        return not self._size

    def feed(self, data: bytes, /) -> Iterator[bytes]:
        """Yield the frames that ``data`` completes, without their separators. Raise ProtocolError."""
        # All frames of a large post at once could be millions of objects.
        for start in range(0, len(data), _SLICE):
            yield from self._feed(data[start : start + _SLICE])

    def _feed(self, data: bytes) -> Iterator[bytes]:
        *ends, rest = data.split(_SEPARATOR)
        for end in ends:
            self._check(len(end))
            if self._size:
                self._pieces.append(end)
                end = b"".join(self._pieces)
                self._pieces.clear()
                self._size = 0
            yield end
        if rest:
            self._check(len(rest))
            self._pieces.append(rest)
            self._size += len(rest)

    def _check(self, more: int) -> None:
        if self._size + more > self._max:
            self._pieces.clear()
            raise ProtocolError(f"a message is larger than {self._max:,} bytes")


class SizedSplitter:
    """Cut by the length before each message, as in the MessagePack hub protocol."""

    __slots__ = ("_max", "_needed", "_pieces", "_size")

    def __init__(self, max_message: int) -> None:
        self._max = max_message
        self._pieces: list[bytes] = []
        self._size = 0
        self._needed = 1

    @property
    def is_empty(self) -> bool:
        """Whether nothing incomplete is kept."""
        return not self._size

    def feed(self, data: bytes, /) -> Iterator[bytes]:
        """Yield the frames that ``data`` completes, without their lengths. Raise ProtocolError."""
        if self._size + len(data) < self._needed:
            if data:
                self._pieces.append(data)
                self._size += len(data)
            return
        if self._pieces:
            data = b"".join((*self._pieces, data))
            self._pieces.clear()
            self._size = 0
        self._needed = 1
        position, end = 0, len(data)
        while position < end:
            length, body = self._length(data, position)
            if body + length > end:
                break
            position = body + length
            yield data[body:position]
        if position < end:
            self._pieces.append(data[position:])
            self._size = end - position
            self._needed = body + length - position

    def _length(self, data: bytes, start: int) -> tuple[int, int]:
        """Return a message's length and where it begins, behind the data if the length is incomplete."""
        length = 0
        for number, byte in enumerate(data[start : start + _MAX_LENGTH_BYTES]):
            length |= (byte & 0x7F) << (7 * number)
            if not byte & 0x80:
                if length > self._max:
                    raise ProtocolError(f"a message has {length:,} bytes, and may have {self._max:,}")
                return length, start + number + 1
        if len(data) - start >= _MAX_LENGTH_BYTES:
            raise ProtocolError("the length of a message has more than 5 bytes")
        return 1, len(data)
