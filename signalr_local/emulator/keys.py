"""Access keys of the service."""

from collections.abc import Sequence

__all__ = ["check_keys"]

_MIN_KEY = 16
"""SDKs in .NET refuse to sign with less."""


def check_keys(keys: Sequence[str]) -> list[str]:
    """Return access keys. Raise ValueError for none, and for what is not a key."""
    if not keys:
        raise ValueError("the emulator needs at least one access key")
    for key in keys:
        if len(key) < _MIN_KEY or not key.isascii() or any(sign in key for sign in "; \r\n"):
            raise ValueError(
                f"an access key is not valid: expected {_MIN_KEY} ASCII characters or more, without blanks "
                "and semicolons"
            )
    return list(keys)
