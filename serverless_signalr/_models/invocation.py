"""The event that triggered a function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from serverless_signalr.protocol.claims import Claims, parse_claims
from serverless_signalr.protocol.mappings import CaseInsensitiveMapping, ReadOnlyMapping
from serverless_signalr.protocol.upstream import USER_CLAIMS_HEADER

__all__ = ["SignalRInvocationContext"]


@dataclass(frozen=True, slots=True)
class SignalRInvocationContext:
    """The event that triggered a function, and the client connection that caused it.

    ``arguments`` is empty for events of the category ``connections``. ``error`` is the reason for which a
    connection ended, or None if it was closed cleanly. The user id and the claims are those of the token with
    which the client connected. ``headers`` and ``query`` are case-insensitive, and join repeated values with
    commas. ``headers``, ``query`` and ``claims`` are read-only.

    The query contains the client's ``access_token``, as the service sends it. It is masked in ``repr``; do
    not log it.
    """

    hub: str
    category: str
    event: str
    connection_id: str
    user_id: str | None = None
    arguments: list[Any] = field(default_factory=list)
    error: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    claims: Claims = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name in ("headers", "query"):
            if not isinstance(found := getattr(self, name), CaseInsensitiveMapping):
                object.__setattr__(self, name, CaseInsensitiveMapping(found))
        object.__setattr__(self, "claims", ReadOnlyMapping(self.claims))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse the text that the ``signalRTrigger`` binding delivers.

        The claims come from the header of the request if it is present, because ``Claims`` in that text has
        only one value per type.
        """
        value = json.loads(text)
        headers = value.get("Headers") or {}
        header = headers.get(USER_CLAIMS_HEADER) or CaseInsensitiveMapping(headers).get(USER_CLAIMS_HEADER)
        return cls(
            hub=value["Hub"],
            category=value["Category"],
            event=value["Event"],
            connection_id=value["ConnectionId"],
            user_id=value.get("UserId"),
            arguments=value.get("Arguments") or [],
            error=value.get("Error"),
            headers=headers,
            query=value.get("Query") or {},
            claims=parse_claims(header) if header else _single_values(value.get("Claims") or {}),
        )


def _single_values(claims: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: (value,) for name, value in claims.items()}
