"""The headers of frames, encoded and decoded as fast as the host can."""

import json
from typing import Any

__all__ = ["decode", "encode"]


def encode(header: dict[str, Any]) -> bytes:
    """Return a header as JSON."""
    # The worker's process is started before there is a header, and imports the app meanwhile.
    import msgspec

    try:
        return msgspec.json.encode(header)
    except (TypeError, ValueError, OverflowError):
        # Halves of surrogate pairs, which only the standard library writes.
        return json.dumps(header).encode()


def decode(text: bytes) -> Any:
    """Return what a header in JSON holds."""
    import msgspec

    try:
        return msgspec.json.decode(text)
    except ValueError:
        # NaN, infinity and halves of surrogate pairs, which only the standard library reads.
        return json.loads(text)
