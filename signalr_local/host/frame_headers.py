"""The headers of frames, encoded and decoded as fast as the host can."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["decode", "encode"]


def encode(header: dict[str, Any]) -> bytes:
    """Return a header as JSON."""
    try:
        return _encoder()(header)
    except (TypeError, ValueError, OverflowError):
        # Halves of surrogate pairs, which only the standard library writes.
        return json.dumps(header).encode()


def decode(text: bytes) -> Any:
    """Return what a header in JSON holds."""
    try:
        return _decoder()(text)
    except ValueError:
        # NaN, infinity and halves of surrogate pairs, which only the standard library reads.
        return json.loads(text)


# The worker's process is started before there is a header, and imports the app while msgspec is imported.
@cache
def _encoder() -> Callable[[object], bytes]:
    import msgspec

    return msgspec.json.Encoder().encode


@cache
def _decoder() -> Callable[[bytes], Any]:
    import msgspec

    return msgspec.json.Decoder().decode
