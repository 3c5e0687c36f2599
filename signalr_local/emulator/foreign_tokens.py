"""Tokens of the app's own that a client sent in place of the service's.

It happens to clients that set the header Authorization themselves: it replaces the token from negotiate, or
both end up in one header. Source: https://github.com/dotnet/aspnetcore/issues/58146.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["foreign_token"]

_ADVICE = (
    "The client sets the header Authorization, which replaces the service's token: give the app's token to "
    "negotiate by accessTokenFactory or in the query, and not in headers"
)


def foreign_token(token: str, payload: Mapping[str, Any] | None) -> str | None:
    """Return what a token that was refused is, if it is not one of the service's, None if it may be."""
    if len([part for part in token.replace("Bearer ", "").split(",") if part.strip()]) > 1:
        return f"the header Authorization holds two tokens. {_ADVICE}"
    if payload is None:
        return None
    audience = payload.get("aud")
    audiences = [str(item) for item in (audience if isinstance(audience, list) else [audience])]
    if any(_is_of_a_service(item) for item in audiences):
        return None
    shown = "no audience" if audience is None else f"the audience (aud) {', '.join(map(repr, audiences))}"
    return f"the token is not the service's but the app's own, with {shown}. {_ADVICE}"


def _is_of_a_service(audience: str) -> bool:
    """Tell whether an audience has the form of a URL for clients or for the REST API."""
    scheme, _, rest = audience.lower().partition("://")
    path = rest.partition("/")[2]
    return scheme in ("http", "https") and (path.startswith(("client", "api/")) or "hub=" in path)
