"""The claims of a client's token, and how the header of upstream requests carries them."""

import re
from collections.abc import Mapping, Sequence

__all__ = ["Claims", "check_claims", "format_claims", "parse_claims"]

type Claims = Mapping[str, tuple[str, ...]]
"""Claims of a token: one type may have several values."""

_OWN_CLAIMS = "asrs."
"""How the types of the claims begin by which a token tells the service itself something."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def format_claims(claims: Claims) -> str:
    """Return claims in the form of the ``X-ASRS-User-Claims`` header: ``type: value, type: value``."""
    return ", ".join(f"{name}: {value}" for name, values in claims.items() for value in values)


def parse_claims(header: str) -> dict[str, tuple[str, ...]]:
    """Read the ``X-ASRS-User-Claims`` header.

    The form is lossy at its source: a piece without exactly one ``": "``, such as what follows a comma
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
    """Raise ValueError for a claim or a user id that the header could not carry unchanged.

    The header separates claims by commas and escapes nothing: the value ``x, role: admin`` would arrive as
    two claims, the second one the caller's invention. Claims of the service itself are refused too: with
    ``asrs.s.uid`` one could be another user.
    """
    for name, value in claims.items():
        if name.startswith(_OWN_CLAIMS):
            raise ValueError(f"the claim {name} has a meaning to the service itself: give it another type")
        values = (value,) if isinstance(value, str) else tuple(value)
        carried = {name: values} if values else {}
        header = format_claims(carried)
        if _CONTROL.search(header) or parse_claims(header) != carried:
            raise ValueError(
                f"the claim {name} cannot be carried: a value must not be empty, and neither it nor the type "
                "may have a comma, ': ', a control character, or blanks at an end"
            )
    if user_id is None:
        return
    if _CONTROL.search(user_id):
        raise ValueError("the user id has a control character, such as a line end, which no header can carry")
    # A comma is usual in a directory's names; only what would read as another claim is refused. What comes
    # before the first comma belongs to the claim of the user id.
    if parse_claims(user_id.partition(",")[2]):
        raise ValueError(
            "the user id has a comma followed by what would pass for a claim, such as ', role: x'"
        )
