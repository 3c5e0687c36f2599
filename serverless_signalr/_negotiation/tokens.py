"""The access tokens of clients: the first one, and those that follow while a connection is open."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from serverless_signalr import _telemetry as telemetry
from serverless_signalr._connection.router import Router, any_online
from serverless_signalr._models.negotiation import SignalRConnectionInfo, SignalRRefreshInfo
from serverless_signalr.protocol.claims import check_claims, check_lifetime, user_id_of

if TYPE_CHECKING:
    from serverless_signalr.connection import ServiceConnection
    from serverless_signalr.rest import ServiceClient

__all__ = ["Connect", "TokenOptions", "connection_info", "refresh_info"]

_CLOSE_ON_EXPIRY = "asrs.s.coae"
_EXPIRES_ON = "asrs.s.aeo"
_DETAILED_ERRORS = "asrs.s.derror"
_OWN = "asrs.s."
_APP = "asrs.u."
_REGISTERED = frozenset({"nbf", "exp", "iat", "iss", "aud"})

type Connect = Callable[..., Awaitable[SignalRConnectionInfo]]
"""A function that returns the connection info for a ``user_id`` and ``claims``."""


class TokenOptions(TypedDict, total=False):
    """The options of a token, and the router that chooses the instance of the service."""

    lifetime: timedelta
    close_on_expiry: bool
    detailed_errors: bool
    router: Router


async def connection_info(
    connection: "ServiceConnection",
    hub: str,
    user_id: str | None,
    claims: Mapping[str, str | Sequence[str]] | None,
    options: TokenOptions,
) -> SignalRConnectionInfo:
    """Return the connection info for one client of a hub."""
    from serverless_signalr._rest import clock
    from serverless_signalr._rest.tokens import sign_client_token

    carried: dict[str, str | Sequence[str]] = dict(claims or {})
    lifetime = options.get("lifetime", timedelta(hours=1))
    check_claims(user_id, carried)
    check_lifetime(lifetime)
    if options.get("close_on_expiry"):
        expires = int(clock.now() + lifetime.total_seconds())
        carried |= {_CLOSE_ON_EXPIRY: "true", _EXPIRES_ON: str(expires)}
    if options.get("detailed_errors"):
        carried[_DETAILED_ERRORS] = "true"
    with telemetry.negotiating(hub):
        endpoint = await connection.client_endpoint(options.get("router", any_online))
        token = sign_client_token(endpoint, hub, user_id=user_id, claims=carried, lifetime=lifetime)
    return SignalRConnectionInfo(endpoint.client_hub_url(hub), token, int(lifetime.total_seconds()))


async def refresh_info(
    client: "ServiceClient", connection: "ServiceConnection", hub: str, connection_token: str, info: Any
) -> SignalRRefreshInfo:
    """Apply the token of a new connection info to an open connection, and return the token.

    The rules for new connections therefore also apply to open ones, such as those of an override of
    ``negotiate``.
    """
    from serverless_signalr._rest.authentication import refresh
    from serverless_signalr._rest.tokens import read_token, sign_for

    if not isinstance(info, SignalRConnectionInfo):
        raise TypeError(f"negotiate returned a {type(info).__name__}, expected a SignalRConnectionInfo")
    payload = read_token(info.access_token)
    claims = {
        name.removeprefix(_APP): value
        for name, value in payload.items()
        if not name.startswith(_OWN) and name not in _REGISTERED
    }
    user_id = user_id_of({name: (value,) for name, value in payload.items() if isinstance(value, str)})
    refreshed = await refresh(client.run, connection_token, user_id, claims, payload["exp"])
    token, lifetime = info.access_token, payload["exp"] - payload["nbf"]
    if refreshed.instance and not payload["aud"].startswith(f"{refreshed.instance}/"):
        # The connection is on another instance than the one that a new connection would go to.
        for _, endpoint in await connection.client_endpoints():
            if endpoint.url == refreshed.instance:
                token = sign_for(endpoint, hub, payload)
    return SignalRRefreshInfo(token, lifetime)
