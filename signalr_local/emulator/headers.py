"""The headers that a client's message carries in itself, and messages without the token among them.

The Python clients repeat the headers of their connection, the access token included, in every message. The
app must not get it; everything else of the message keeps its bytes.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgpack

__all__ = ["has_token", "without_token_json", "without_token_messagepack"]

_TOKEN = "authorization"  # noqa: S105 - the name of the header
_BLANK = " \t\n\r"

_decode = json.JSONDecoder().raw_decode


def has_token(headers: Mapping[str, str]) -> bool:
    """Tell whether a token is among the headers of a message."""
    return any(name.lower() == _TOKEN for name in headers)


def without_token_json(frame: str) -> str:
    """Return a message in JSON without the token in its headers. The frame must be a valid message."""
    pieces: list[str] = []
    done = 0
    at = _skip(frame, _skip(frame, 0) + 1)
    while frame[at] != "}":
        if frame[at] == ",":
            at = _skip(frame, at + 1)
        name, at = _decode(frame, at)
        start = _skip(frame, _skip(frame, at) + 1)
        value, end = _decode(frame, start)
        if name == "headers" and isinstance(value, dict):
            pieces += [frame[done:start], json.dumps(_without_token(value), separators=(",", ":"))]
            done = end
        at = _skip(frame, end)
    return "".join([*pieces, frame[done:]])


def without_token_messagepack(body: bytes) -> bytes:
    """Return a message in MessagePack without the token in its headers. The body must be a valid message."""
    unpacker = msgpack.Unpacker(strict_map_key=False, max_buffer_size=0)
    unpacker.feed(body)
    unpacker.read_array_header()
    unpacker.skip()
    start = unpacker.tell()
    headers = unpacker.unpack()
    packed: bytes = msgpack.packb(_without_token(headers))
    return body[:start] + packed + body[unpacker.tell() :]


def _without_token(headers: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name: value for name, value in headers.items() if str(name).lower() != _TOKEN}


def _skip(frame: str, at: int) -> int:
    while frame[at] in _BLANK:
        at += 1
    return at
