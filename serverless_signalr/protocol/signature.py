"""The signature of upstream requests: who holds the access key has sent them.

Source: https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

import hmac
from collections.abc import Iterable

__all__ = ["is_signed", "sign"]

_MAX_SIGNATURES = 16


def sign(connection_id: str, keys: Iterable[str]) -> str:
    """Return the signature header: ``sha256=<hex>`` for each key, separated by a comma and a blank.

    It covers the connection id and nothing else: neither the body, nor the user, nor the time.
    """
    return ", ".join(_signature(connection_id, key) for key in keys)


def is_signed(connection_id: str, signature: str, keys: Iterable[str]) -> bool:
    """Tell whether one of the header's signatures was made with one of the keys.

    The comparison takes the same time wherever two signatures differ. Blanks around a signature do not
    count. Only the first few signatures are looked at: the service sends one for each of its two keys.
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
