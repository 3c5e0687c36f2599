"""The access tokens of clients and servers.

Source: https://learn.microsoft.com/azure/azure-signalr/signalr-concept-client-negotiation and
https://learn.microsoft.com/azure/azure-signalr/signalr-reference-data-plane-rest-api.
"""

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache

from serverless_signalr._rest import clock
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.protocol.claims import check_lifetime

__all__ = ["MAX_TOKEN", "USER_ID_CLAIM", "sign_client_token", "sign_server_token"]

MAX_TOKEN = 4096
"""Longest client token, in characters. The service's own SDKs refuse to issue longer ones."""

USER_ID_CLAIM = "asrs.s.uid"
USER_CLAIM_PREFIX = "asrs.u."

_RESERVED = frozenset({"aud", "exp", "iat", "nbf", "iss", "actort", "acr", "azp", "c_hash", "jti", "nonce"})

_encode = json.JSONEncoder(separators=(",", ":")).encode


def sign_client_token(
    endpoint: Endpoint,
    hub: str,
    *,
    user_id: str | None = None,
    claims: Mapping[str, str | Sequence[str]] | None = None,
    lifetime: timedelta = timedelta(hours=1),
) -> str:
    """Sign the access token of one client for one hub.

    Claim types that are reserved in tokens (``aud``, ``exp`` and so on) get the prefix ``asrs.u.``, which the
    service removes. Raise ValueError for a token over 4,096 characters, and for a lifetime below one second.
    """
    check_lifetime(lifetime)
    payload: dict[str, object] = {}
    for name, value in (claims or {}).items():
        key = f"{USER_CLAIM_PREFIX}{name}" if name in _RESERVED else name
        payload[key] = value if isinstance(value, str) else list(value)
    if user_id is not None:
        payload[USER_ID_CLAIM] = user_id
    token = _sign(endpoint, endpoint.client_audience(hub), payload, lifetime)
    if len(token) > MAX_TOKEN:
        raise ValueError(
            f"the access token has {len(token):,} characters, the limit is {MAX_TOKEN:,}: pass fewer claims"
        )
    return token


def sign_server_token(endpoint: Endpoint, url: str, *, lifetime: timedelta = timedelta(minutes=5)) -> str:
    """Sign the token for a REST request. Its audience is the URL without the query."""
    return _sign(endpoint, url.partition("?")[0].rstrip("/"), {}, lifetime)


def _sign(endpoint: Endpoint, audience: str, payload: dict[str, object], lifetime: timedelta) -> str:
    if endpoint.access_key is None:
        raise ValueError(
            f"the connection to {endpoint.url} has no AccessKey to sign a token with: for an identity, get a "
            "temporary key with ServiceConnection.client_endpoint()"
        )
    now = int(clock.now())
    payload |= {"nbf": now, "exp": now + int(lifetime.total_seconds()), "iat": now, "aud": audience}
    # PyJWT would do the same in three times the time, and importing it takes as long as signing thousands of
    # tokens: it imports cryptography, for algorithms that the service does not use.
    signed = b"%b.%b" % (_header(endpoint.key_id), _base64url(_encode(payload).encode()))
    # The key is the base64 text itself, not the bytes that it encodes.
    signature = _base64url(hmac.digest(endpoint.access_key.encode(), signed, "sha256"))
    return (b"%b.%b" % (signed, signature)).decode()


@lru_cache(maxsize=16)
def _header(key_id: str | None) -> bytes:
    header = (
        {"alg": "HS256", "typ": "JWT"} if key_id is None else {"alg": "HS256", "kid": key_id, "typ": "JWT"}
    )
    return _base64url(_encode(header).encode())


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
