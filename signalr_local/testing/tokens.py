"""Access tokens of clients, made at the time of the environment's clock."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypedDict

from serverless_signalr._rest import clock
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.endpoint import Endpoint
from signalr_local.clock import Clock

__all__ = ["TokenOptions", "client_token"]

_CLOSE_ON_EXPIRY = "asrs.s.coae"
_EXPIRES_ON = "asrs.s.aeo"


class TokenOptions(TypedDict, total=False):
    """What a token says beside its user, and how long it is good: for an hour by default."""

    claims: Mapping[str, str | Sequence[str]]
    lifetime: timedelta
    close_on_expiry: bool


def client_token(
    connection_string: str, hub: str, time: Clock, user: str | None, options: TokenOptions
) -> str:
    """Return a token as negotiate hands it out."""
    claims = dict(options.get("claims", {}))
    lifetime = options.get("lifetime", timedelta(hours=1))
    if options.get("close_on_expiry", False):
        expires = int(time.time() + lifetime.total_seconds())
        claims |= {_CLOSE_ON_EXPIRY: "true", _EXPIRES_ON: str(expires)}
    with clock.following(time.time):
        return sign_client_token(
            Endpoint.parse(connection_string), hub, user_id=user, claims=claims, lifetime=lifetime
        )
