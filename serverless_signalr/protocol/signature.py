"""The signature of upstream requests, made with the access keys of the service.

Source: https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

import hmac
from collections.abc import Iterable

__all__ = ["is_signed", "sign"]

_MAX_SIGNATURES = 16


def sign(connection_id: str, keys: Iterable[str]) -> str:
    """Return the signature header: ``sha256=<hex>`` for each key, separated by a comma and a space.

    The signature covers only the connection id, not the body, the user or the time.
    """
    return ", ".join(_signature(connection_id, key) for key in keys)


def is_signed(connection_id: str, signature: str, keys: Iterable[str]) -> bool:
    """Tell whether one of the signatures in the header was made with one of the keys.

    Signatures are compared in constant time. Whitespace around them is ignored. Only the first 16 are
    considered, since the service sends one for each of its two keys.
    """
    try:
        expected = [_signature(connection_id, key).encode() for key in keys if key]
    except UnicodeEncodeError:
        # Bytes in a header that are not UTF-8 arrive as lone surrogates.
        return False
    candidates = [
        part.strip().lower().encode(errors="surrogatepass")
        for part in signature.split(",", _MAX_SIGNATURES)[:_MAX_SIGNATURES]
    ]
    return any(hmac.compare_digest(one, other) for one in expected for other in candidates)


def _signature(connection_id: str, key: str) -> str:
    return "sha256=" + hmac.digest(key.encode(), connection_id.encode(), "sha256").hex()
