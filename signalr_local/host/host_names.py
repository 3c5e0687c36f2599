"""Names that a request may be sent to: a page elsewhere must not reach the app under a name of its own.

A name that an attacker owns can be made to mean this machine (DNS rebinding); an address cannot.
"""

import ipaddress
from collections.abc import Collection
from functools import lru_cache

__all__ = ["is_own_name"]


def is_own_name(host: str, others: Collection[str]) -> bool:
    """Tell whether a Host header names this machine.

    Its names are addresses, those without a dot, those below localhost, and ``others``.
    """
    return _is_own_name(host, frozenset(others))


@lru_cache(maxsize=256)
def _is_own_name(host: str, others: frozenset[str]) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
    name = name.strip("[]").rstrip(".").lower()
    if "." not in name and ":" not in name:
        return True
    if name.endswith(".localhost") or name in {other.lower() for other in others}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
