"""The bodies of the REST API's requests: values as JSON that every client can read."""

import json
from collections.abc import Callable, Sequence
from functools import cache

from serverless_signalr.errors import PayloadTooLargeError
from serverless_signalr.protocol.names import MAX_BODY
from serverless_signalr.protocol.values import to_builtins

__all__ = ["MAX_DEPTH", "json_body", "message", "message_object"]

MAX_DEPTH = 64
"""Levels of lists and objects that System.Text.Json reads, the frame around a value included. A frame that is
deeper ends the connection of every .NET client that receives it."""

_TOO_DEEP = (
    f"the value is nested too deep: with the frame around it there may be {MAX_DEPTH} levels of lists and "
    "objects, or .NET clients lose their connection"
)

_strict = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def message(target: str, arguments: Sequence[object]) -> bytes:
    """Return the body that invokes ``target``, see json_body."""
    # The frame that clients receive is as deep as this body.
    return _encode(message_object(target, arguments), MAX_DEPTH)


def message_object(target: str, arguments: Sequence[object]) -> dict[str, object]:
    """Return the object that invokes ``target``, in terms of JSON."""
    if not isinstance(target, str):
        raise TypeError(f"the target of a message is {target!r}, expected text")
    if not target:
        raise ValueError("the target of a message must not be empty")
    try:
        return {"target": target, "arguments": to_builtins(arguments)}
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def json_body(value: object, depth: int = MAX_DEPTH) -> bytes:
    """Return a value of at most ``depth`` levels as JSON.

    Half of a surrogate pair, which is what cutting an emoji in two leaves, becomes U+FFFD as in .NET. Raise
    TypeError or ValueError for what JSON, or a client, cannot read: NaN, infinities, too many levels. Raise
    PayloadTooLargeError for more than the service accepts.
    """
    try:
        plain = to_builtins(value)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    return _encode(plain, depth)


def _encode(value: object, depth: int) -> bytes:
    try:
        body = _encoder()(value)
    except UnicodeEncodeError:
        body = _whole(_strict_json(value))
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if b"null" in body:
        # It may stand for a number that is none: msgspec, several times as fast, does not refuse NaN.
        body = _whole(_strict_json(value))
    if len(body) > MAX_BODY:
        raise PayloadTooLargeError(
            f"the message has {len(body):,} bytes, the service accepts {MAX_BODY:,}: send less, or an "
            "address from which the clients fetch it"
        )
    # So few brackets cannot be nested too deep: only other values are looked through.
    if body.count(b"[") + body.count(b"{") > depth and _is_deeper(value, depth):
        raise ValueError(_TOO_DEEP)
    return body


def _strict_json(value: object) -> str:
    try:
        return _strict(value)
    except ValueError:
        raise ValueError(
            "NaN and infinite numbers cannot be sent: JSON has none; send None or text"
        ) from None


def _whole(text: str) -> bytes:
    """Encode a text whose surrogate pairs may be halves, or the two halves of one."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _is_deeper(value: object, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list | tuple):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return any(isinstance(item, dict | list | tuple) for item in level)


@cache
def _encoder() -> Callable[[object], bytes]:
    import msgspec

    return msgspec.json.Encoder().encode
