"""Requests from the service to the app: headers, signature, events.

Source: https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "CONNECTED",
    "DISCONNECTED",
    "Category",
    "Claims",
    "UpstreamEvent",
    "check_claims",
    "format_claims",
    "is_signed",
    "parse_claims",
    "sign",
]

CONNECTED = "connected"
DISCONNECTED = "disconnected"

_PREFIX = "X-ASRS-"
CONNECTION_ID_HEADER = f"{_PREFIX}Connection-Id"
HUB_HEADER = f"{_PREFIX}Hub"
CATEGORY_HEADER = f"{_PREFIX}Category"
EVENT_HEADER = f"{_PREFIX}Event"
USER_ID_HEADER = f"{_PREFIX}User-Id"
USER_CLAIMS_HEADER = f"{_PREFIX}User-Claims"
CLIENT_QUERY_HEADER = f"{_PREFIX}Client-Query"
SIGNATURE_HEADER = f"{_PREFIX}Signature"

_OWN_CLAIMS = "asrs."
"""How the types of the claims begin by which a token tells the service itself something."""

_MAX_SIGNATURES = 16

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

type Claims = Mapping[str, tuple[str, ...]]
"""Claims of a token: one type may have several values."""


class Category(StrEnum):
    """What an event is about: a connection's coming and going, or a message on it."""

    CONNECTIONS = "connections"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class UpstreamEvent:
    """Describe one event as the headers of an upstream request carry it; the body travels beside it.

    ``query`` is the query string of the client's connect request with its question mark, or empty.
    """

    hub: str
    category: str
    event: str
    connection_id: str
    user_id: str | None = None
    claims: Claims = field(default_factory=dict)
    query: str = ""

    def headers(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the request's headers, signed with each of the access keys."""
        headers = {
            CONNECTION_ID_HEADER: self.connection_id,
            HUB_HEADER: self.hub,
            CATEGORY_HEADER: self.category,
            EVENT_HEADER: self.event,
            SIGNATURE_HEADER: sign(self.connection_id, keys),
        }
        if self.user_id is not None:
            headers[USER_ID_HEADER] = self.user_id
        if self.claims:
            headers[USER_CLAIMS_HEADER] = format_claims(self.claims)
        if self.query:
            headers[CLIENT_QUERY_HEADER] = self.query
        return headers

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> "UpstreamEvent":
        """Read an upstream request's headers, which must be looked up without regard to case.

        Raise ValueError that names the first header that is absent or empty.
        """
        for name in (HUB_HEADER, CATEGORY_HEADER, EVENT_HEADER, CONNECTION_ID_HEADER):
            if not headers.get(name):
                raise ValueError(f"the upstream request has no {name} header")
        return cls(
            hub=headers[HUB_HEADER],
            category=headers[CATEGORY_HEADER],
            event=headers[EVENT_HEADER],
            connection_id=headers[CONNECTION_ID_HEADER],
            user_id=headers.get(USER_ID_HEADER),
            claims=parse_claims(headers.get(USER_CLAIMS_HEADER, "")),
            query=headers.get(CLIENT_QUERY_HEADER, ""),
        )


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
