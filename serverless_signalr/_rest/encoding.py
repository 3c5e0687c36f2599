"""The JSON bodies of REST requests."""

from collections.abc import Callable, Sequence
from functools import cache

from serverless_signalr.errors import PayloadTooLargeError
from serverless_signalr.protocol.names import MAX_BODY
from serverless_signalr.protocol.text import well_formed
from serverless_signalr.protocol.values import to_builtins

__all__ = ["encode", "json_body", "message", "message_object"]


def message(target: str, arguments: Sequence[object]) -> bytes:
    """Return the body that invokes ``target``, see json_body."""
    return encode(message_object(target, arguments))


def message_object(target: str, arguments: Sequence[object]) -> dict[str, object]:
    """Return the object that invokes ``target``, as JSON builtins."""
    if not isinstance(target, str):
        raise TypeError(f"the target of a message is {target!r}, expected text")
    if not target:
        raise ValueError("the target of a message must not be empty")
    # One by one, since the list of arguments does not count towards the depth of a value.
    whole = target if target.isascii() else well_formed(target)
    return {"target": whole, "arguments": [to_builtins(argument) for argument in arguments]}


def json_body(value: object) -> bytes:
    """Return a value as JSON.

    Raise TypeError or ValueError for a value that JSON cannot carry or clients cannot read, see
    serverless_signalr.protocol.values, and PayloadTooLargeError for one that the service does not accept.
    """
    return encode(to_builtins(value))


def encode(value: object) -> bytes:
    """Return JSON builtins as JSON. Raise PayloadTooLargeError if the service would not accept it."""
    body = _encoder()(value)
    if len(body) > MAX_BODY:
        raise PayloadTooLargeError(
            f"the message has {len(body):,} bytes, the service accepts {MAX_BODY:,}: send less, or send an "
            "address from which clients fetch the data"
        )
    return body


@cache
def _encoder() -> Callable[[object], bytes]:
    import msgspec

    return msgspec.json.Encoder().encode
