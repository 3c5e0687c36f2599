"""The hub protocol as MessagePack: one array a message, preceded by its length as a variable-length number.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md, "MessagePack
(MsgPack) encoding".
"""

from typing import Any

from serverless_signalr.protocol.messages import (
    NO_RESULT,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    ProtocolError,
    StreamInvocation,
    StreamItem,
)

__all__ = ["FrameSplitter", "encode", "frame", "parse"]

_MAX_LENGTH_BYTES = 5
_MAX_LENGTH = 2**31 - 1

_ERROR, _VOID, _RESULT = 1, 2, 3
"""How a completion ends."""


class FrameSplitter:
    """Cut a stream of bytes into frames, keeping what is incomplete for the next call."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that ``data`` completes, without their lengths. Raise ProtocolError."""
        self._rest += data
        frames: list[bytes] = []
        start = 0
        while (found := _length(self._rest, start)) is not None:
            length, body = found
            if body + length > len(self._rest):
                break
            frames.append(self._rest[body : body + length])
            start = body + length
        self._rest = self._rest[start:]
        return frames


def encode(message: HubMessage) -> bytes:
    """Return the message as a frame, length included.

    A value must be one that MessagePack can carry: an aware datetime is a timestamp, a naive one is a
    ValueError, since nobody could tell which moment it is.
    """
    import msgpack

    body: bytes = msgpack.packb(_to_array(message), datetime=True)
    return frame(body)


def frame(body: bytes) -> bytes:
    """Return the array of a message with its length before it."""
    return _prefix(len(body)) + body


def parse(frame: bytes) -> HubMessage | None:
    """Read one frame, without its length. Return None for a type that this protocol does not know.

    Raise ProtocolError for what is no message. Binary values are bytes, timestamps aware datetimes.
    """
    import msgpack

    try:
        value = msgpack.unpackb(frame, timestamp=3, strict_map_key=False)
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
        case [int(kind), *_] if not 1 <= kind <= 7:
            return None
        case _:
            pass
    raise ProtocolError("the message is no array of the hub protocol")


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
            raise ProtocolError("streamIds is no list of texts")


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


def _length(data: bytes, start: int) -> tuple[int, int] | None:
    """Return the length of the frame at ``start`` and where its body begins, None where it is incomplete."""
    length = 0
    for position in range(_MAX_LENGTH_BYTES):
        if start + position >= len(data):
            return None
        byte = data[start + position]
        length |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            if length > _MAX_LENGTH:
                raise ProtocolError(f"the length of a message is {length:,} and may be {_MAX_LENGTH:,}")
            return length, start + position + 1
    raise ProtocolError("the length of a message has more than 5 bytes")


def _prefix(length: int) -> bytes:
    prefix = bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix)
