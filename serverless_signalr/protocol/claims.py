"""The claims of a client token, and their form in the headers of upstream requests."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from serverless_signalr.protocol.text import has_surrogates

__all__ = [
    "NAME_IDENTIFIER",
    "USER_ID_CLAIM",
    "Claims",
    "check_claims",
    "check_lifetime",
    "format_claims",
    "parse_claims",
    "user_id_of",
]

type Claims = Mapping[str, tuple[str, ...]]
"""The claims of a token. A claim type may have several values."""

_OWN_CLAIMS = "asrs."
"""The prefix of the claim types that are instructions to the service itself."""

USER_ID_CLAIM = "asrs.s.uid"
"""The claim with the user id."""

NAME_IDENTIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
"""The claim with which .NET names a user."""

_USER_CLAIMS = ("nameid", NAME_IDENTIFIER, "sub")
"""The claims that the service takes the user id from if a token has no explicit one."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def format_claims(claims: Claims) -> str:
    """Return claims in the form of the ``X-ASRS-User-Claims`` header: ``type: value, type: value``."""
    return ", ".join(f"{name}: {value}" for name, values in claims.items() for value in values)


def parse_claims(header: str) -> dict[str, tuple[str, ...]]:
    """Parse the ``X-ASRS-User-Claims`` header.

    The format is lossy: a piece without exactly one ``": "``, such as the text after a comma inside a value,
    is dropped, as in the SignalR extension.
    """
    claims: dict[str, tuple[str, ...]] = {}
    for piece in header.split(","):
        match piece.strip().split(": "):
            case [name, value]:
                claims[name] = (*claims.get(name, ()), value)
            case _:
                pass
    return claims


def user_id_of(claims: Claims) -> str | None:
    """Return the user that the claims of a token name, or None for an anonymous client."""
    for name in (USER_ID_CLAIM, *_USER_CLAIMS):
        if values := claims.get(name):
            return values[0] or None
    return None


def check_claims(user_id: str | None, claims: Mapping[str, str | Sequence[str]]) -> None:
    """Raise ValueError for a user id or a claim that would arrive changed, or could pose as another.

    Both reach the app in headers. HTTP strips whitespace at the ends of a header. The claims header separates
    claims by commas without escaping, so the value ``x, role: admin`` would arrive as two claims, the second
    invented by the caller. Claims reserved for the service are refused, and so are claims that name another
    user than ``user_id``. Raise TypeError for values that are not text.
    """
    if user_id is not None:
        _check_user_id(user_id)
    for name, value in claims.items():
        _check_claim(user_id, name, _texts(name, value))


def check_lifetime(lifetime: timedelta) -> None:
    """Raise ValueError if a token would expire before it could be used."""
    if not isinstance(lifetime, timedelta):
        raise TypeError(f"the lifetime of a token is a {type(lifetime).__name__}, expected a timedelta")
    if lifetime < timedelta(seconds=1):
        raise ValueError(
            f"the lifetime of a token is {lifetime.total_seconds():g} seconds, expected at least one"
        )


def _check_user_id(user_id: object) -> None:
    if not isinstance(user_id, str):
        raise TypeError(f"the user id is a {type(user_id).__name__}, expected a text or None")
    if not user_id:
        raise ValueError("the user id is empty: pass None for an anonymous client")
    if user_id != user_id.strip():
        raise ValueError(
            "the user id begins or ends with whitespace, which HTTP strips on the way to the app: the client "
            "would become another user; remove it"
        )
    if _CONTROL.search(user_id) or has_surrogates(user_id):
        raise ValueError(
            "the user id contains a control character, such as a line break, or half of a surrogate pair, "
            "which a header cannot carry: remove it"
        )
    # Commas are common in names of directories, so only text that would parse as another claim is refused.
    # The text before the first comma belongs to the claim with the user id.
    if parse_claims(user_id.partition(",")[2]):
        raise ValueError(
            "the user id contains a comma followed by text that would pass for a claim, such as ', role: x'"
        )


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(name, str):
        raise TypeError(f"the type of a claim is a {type(name).__name__}, expected a text")
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Sequence) or isinstance(value, bytes | bytearray):
        raise TypeError(f"the claim {name} is a {type(value).__name__}, expected a text or a list of texts")
    for item in value:
        if not isinstance(item, str):
            raise TypeError(f"the claim {name} has a {type(item).__name__} among its values, expected texts")
    return tuple(value)


def _check_claim(user_id: str | None, name: str, values: tuple[str, ...]) -> None:
    # .NET compares claim types case-insensitively.
    folded = name.lower()
    if folded.startswith(_OWN_CLAIMS):
        raise ValueError(f"the claim {name} is reserved for the service itself: use another type")
    if folded in _USER_CLAIMS and any(value != user_id for value in values):
        raise ValueError(
            f"the claim {name} names another user than user_id: pass user_id, and leave out the claim"
        )
    carried = {name: values} if values else {}
    header = format_claims(carried)
    if _CONTROL.search(header) or has_surrogates(header) or parse_claims(header) != carried:
        raise ValueError(
            f"the claim {name} cannot be carried: a value must not be empty, and neither the value nor the "
            "type may contain a comma, ': ', a control character, half of a surrogate pair, or whitespace at "
            "an end"
        )
