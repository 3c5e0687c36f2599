"""Upstream requests, which the service sends to the app: headers, signature, events.

Source: https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from serverless_signalr.protocol.claims import Claims, format_claims, parse_claims
from serverless_signalr.protocol.signature import sign

__all__ = [
    "CONNECTED",
    "DISCONNECTED",
    "Category",
    "UpstreamEvent",
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


class Category(StrEnum):
    """The category of an event: a connection that opens or closes, or a message on it."""

    CONNECTIONS = "connections"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class UpstreamEvent:
    """An event as the headers of an upstream request describe it, without the body.

    ``query`` is the query string of the client's connect request with its question mark, or empty. It
    includes the client's access token.
    """

    hub: str
    category: str
    event: str
    connection_id: str
    user_id: str | None = None
    claims: Claims = field(default_factory=dict, repr=False)
    query: str = field(default="", repr=False)

    def headers(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the headers of the request, signed with each of the access keys."""
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
        """Read the headers of an upstream request from a case-insensitive mapping.

        Raise ValueError, which names the header, if a required one is missing or empty.
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
