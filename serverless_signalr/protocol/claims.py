"""The claims of a client's token, and how the header of upstream requests carries them."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from serverless_signalr.protocol.text import has_surrogates

__all__ = ["Claims", "check_claims", "check_lifetime", "format_claims", "parse_claims"]

type Claims = Mapping[str, tuple[str, ...]]
"""Claims of a token: one type may have several values."""

_OWN_CLAIMS = "asrs."
"""How the types of the claims begin by which a token tells the service itself something."""

_USER_CLAIMS = frozenset(
    {"sub", "nameid", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"}
)
"""The claims that name the user to the service where a token has no user id of its own."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def format_claims(claims: Claims) -> str:
    """Return claims in the form of the ``X-ASRS-User-Claims`` header: ``type: value, type: value``."""
    return ", ".join(f"{name}: {value}" for name, values in claims.items() for value in values)


def parse_claims(header: str) -> dict[str, tuple[str, ...]]:
    """Read the ``X-ASRS-User-Claims`` header.

    Some claims are lost in this form: a piece without exactly one ``": "``, such as what follows a comma
    inside a value, is dropped, as the SignalR extension drops it.
    """
    claims: dict[str, tuple[str, ...]] = {}
    for piece in header.split(","):
        match piece.strip().split(": "):
            case [name, value]:
                claims[name] = (*claims.get(name, ()), value)
            case _:
                pass
    return claims


def check_claims(user_id: str | None, claims: Mapping[str, str | Sequence[str]]) -> None:
    """Raise ValueError for a user id or a claim that would not arrive unchanged, or that poses as another.

    Headers carry both to the app. HTTP drops blanks at the ends of a header, and the header of claims
    separates them by commas and escapes nothing: the value ``x, role: admin`` would arrive as two claims, the
    second one the caller's invention. Claims of the service itself are refused, and those that name the user,
    unless they name the same one. Raise TypeError for what is no text.
    """
    if user_id is not None:
        _check_user_id(user_id)
    for name, value in claims.items():
        _check_claim(user_id, name, _texts(name, value))


def check_lifetime(lifetime: timedelta) -> None:
    """Raise ValueError for a token that would have expired before anybody could use it."""
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
            "the user id has blanks at an end, which HTTP drops on the way to the app: the client would be "
            "another user there"
        )
    if _CONTROL.search(user_id) or has_surrogates(user_id):
        raise ValueError(
            "the user id has a control character, such as a line end, or half a character, which no header "
            "can carry"
        )
    # A comma is usual in a directory's names; only what would read as another claim is refused. What comes
    # before the first comma belongs to the claim of the user id.
    if parse_claims(user_id.partition(",")[2]):
        raise ValueError(
            "the user id has a comma followed by what would pass for a claim, such as ', role: x'"
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
    # .NET finds claims without regard to the case of their types.
    folded = name.lower()
    if folded.startswith(_OWN_CLAIMS):
        raise ValueError(f"the claim {name} has a meaning to the service itself: give it another type")
    if folded in _USER_CLAIMS and any(value != user_id for value in values):
        raise ValueError(
            f"the claim {name} names the user to the service, and names another one than user_id does: pass "
            "user_id, and leave the claim out"
        )
    carried = {name: values} if values else {}
    header = format_claims(carried)
    if _CONTROL.search(header) or has_surrogates(header) or parse_claims(header) != carried:
        raise ValueError(
            f"the claim {name} cannot be carried: a value must not be empty, and neither it nor the type "
            "may have a comma, ': ', a control character, half a character, or blanks at an end"
        )
