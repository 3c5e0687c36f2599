"""The MessagePack hub protocol: one array per message, prefixed with its length as a variable-length integer.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md, "MessagePack
(MsgPack) encoding".
"""

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

__all__ = ["FrameSplitter", "check_lengths", "encode", "frame", "parse"]

_MAX_LENGTH_BYTES = 5
_MAX_LENGTH = 2**31 - 1

_ERROR, _VOID, _RESULT = 1, 2, 3
"""The result kinds of a completion."""


class FrameSplitter:
    """A splitter of bytes into frames that buffers incomplete frames between calls.

    The cost is proportional to the bytes, however small their pieces are. A frame that announces more than
    ``limit`` bytes raises ProtocolError before they arrive.
    """

    def __init__(self, limit: int = _MAX_LENGTH) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._needed = 1

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that ``data`` completes, without their lengths. Raise ProtocolError."""
        if data:
            self._pieces.append(data)
            self._size += len(data)
        if self._size < self._needed:
            return []
        stream = b"".join(self._pieces)
        frames: list[bytes] = []
        start, self._needed = 0, 1
        while start < len(stream):
            found = _length(stream, start)
            if found is None:
                # One more byte may complete the length.
                self._needed = len(stream) - start + 1
                break
            length, body = found
            if length > self._limit:
                raise ProtocolError(f"a message has {length:,} bytes, the limit is {self._limit:,}")
            end = body + length
            if end > len(stream):
                self._needed = end - start
                break
            frames.append(stream[body:end])
            start = end
        rest = stream[start:]
        self._pieces, self._size = [rest] if rest else [], len(rest)
        return frames


def encode(message: HubMessage) -> bytes:
    """Return the message as a frame with its length.

    An aware datetime becomes a timestamp. Raise ProtocolError for values that MessagePack cannot carry, such
    as naive datetimes, which do not identify a moment, and integers over 64 bits.
    """
    import msgpack

    try:
        body: bytes = msgpack.packb(_to_array(message), datetime=True)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = "half of a surrogate pair" if isinstance(error, UnicodeEncodeError) else error
        raise ProtocolError(f"the message has no form in MessagePack: {reason}") from None
    return frame(body)


def frame(body: bytes) -> bytes:
    """Return the encoded array of a message, prefixed with its length."""
    return _prefix(len(body)) + body


def check_lengths(data: bytes) -> None:
    """Raise ValueError unless everything that the value at the beginning of ``data`` announces is there.

    msgpack reserves memory for an array when it reads its length, and keeps the arrays that it had begun when
    it fails: 3 kB of arrays within arrays would cost 8 MB for good, and one megabyte many seconds.
    """
    import msgpack

    unpacker = msgpack.Unpacker(max_buffer_size=len(data), strict_map_key=False)
    unpacker.feed(data)
    try:
        unpacker.skip()
    except msgpack.OutOfData:
        raise ValueError("the value is incomplete") from None


def parse(frame: bytes) -> HubMessage | None:
    """Parse a frame without its length. Return None for an unknown message type.

    Raise ProtocolError for anything but a message. Binary values become bytes, and timestamps become aware
    datetimes.
    """
    import msgpack

    try:
        check_lengths(frame)
        # As in .NET, invalid UTF-8 is replaced.
        value = msgpack.unpackb(frame, timestamp=3, strict_map_key=False, unicode_errors="replace")
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        # A list or a map as a key is a TypeError, a timestamp that datetime cannot hold an OverflowError.
        raise ProtocolError(f"the message is not MessagePack: {type(error).__name__}") from None
    match value:
        case [bool(), *_]:
            pass
        case [1, dict() as headers, None | str() as id, str(target), list(arguments), *rest] if target:
            return Invocation(target, arguments, id or None, _headers(headers), _stream_ids(rest))
        case [2, dict(), str(id), item]:
            return StreamItem(id, item)
        case [3, dict(), str(id), int(kind), *rest]:
            return _completion(id, kind, rest)
        case [4, dict() as headers, str(id), str(target), list(arguments), *rest] if target:
            return StreamInvocation(target, arguments, id, _headers(headers), _stream_ids(rest))
        case [5, dict(), str(id)]:
            return CancelInvocation(id)
        case [6]:
            return Ping()
        case [7, None | str() as reason, *rest]:
            return Close(reason, rest[:1] == [True])
        case [8, int(id)] if id is not True and id is not False:
            return Ack(id)
        case [9, int(id)] if id is not True and id is not False:
            return Sequence(id)
        case [int(kind), *_] if not 1 <= kind <= 9:
            return None
        case _:
            pass
    raise ProtocolError("the message is not an array of the hub protocol")


def _completion(id: str, kind: int, rest: list[Any]) -> Completion:
    match kind, rest:
        case 1, [str(error)]:
            return Completion(id, error=error)
        case 2, []:
            return Completion(id)
        case 3, [result]:
            return Completion(id, result)
        case _:
            raise ProtocolError(f"the completion is of the kind {kind} with {len(rest)} values")


def _headers(value: dict[Any, Any]) -> dict[str, str]:
    return {str(name): str(item) for name, item in value.items()}


def _stream_ids(rest: list[Any]) -> list[str]:
    match rest:
        case []:
            return []
        case [list(ids), *_] if all(isinstance(id, str) for id in ids):
            return ids
        case _:
            raise ProtocolError("streamIds is not a list of texts")


def _to_array(message: HubMessage) -> list[object]:
    match message:
        case Invocation():
            id = message.invocation_id
            return [1, message.headers, id, message.target, message.arguments, message.stream_ids]
        case StreamItem():
            return [2, {}, message.invocation_id, message.item]
        case Completion():
            if message.error is not None:
                return [3, {}, message.invocation_id, _ERROR, message.error]
            if message.result is NO_RESULT:
                return [3, {}, message.invocation_id, _VOID]
            return [3, {}, message.invocation_id, _RESULT, message.result]
        case StreamInvocation():
            id = message.invocation_id
            return [4, message.headers, id, message.target, message.arguments, message.stream_ids]
        case CancelInvocation():
            return [5, {}, message.invocation_id]
        case Ping():
            return [6]
        case Close():
            return [7, message.error, *([True] if message.allow_reconnect else [])]
        case Ack():
            return [8, message.sequence_id]
        case Sequence():
            return [9, message.sequence_id]


def _length(data: bytes, start: int) -> tuple[int, int] | None:
    """Return the length of the frame at ``start`` and the position of its body, or None if incomplete."""
    length = 0
    for position in range(_MAX_LENGTH_BYTES):
        if start + position >= len(data):
            return None
        byte = data[start + position]
        length |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            if length > _MAX_LENGTH:
                raise ProtocolError(f"the length of a message is {length:,}, the limit is {_MAX_LENGTH:,}")
            return length, start + position + 1
    raise ProtocolError("the length of a message has more than 5 bytes")


def _prefix(length: int) -> bytes:
    prefix = bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix)
