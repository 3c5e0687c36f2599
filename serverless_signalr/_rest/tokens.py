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
from typing import Any

from serverless_signalr._rest import clock
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.protocol.claims import USER_ID_CLAIM, check_lifetime

__all__ = ["MAX_TOKEN", "read_token", "service_name", "sign_client_token", "sign_for", "sign_server_token"]

MAX_TOKEN = 4096
"""Longest client token, in characters. The service's own SDKs refuse to issue longer ones."""

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
        payload[service_name(name)] = value if isinstance(value, str) else list(value)
    if user_id is not None:
        payload[USER_ID_CLAIM] = user_id
    token = _sign(endpoint, endpoint.client_audience(hub), payload, lifetime)
    if len(token) > MAX_TOKEN:
        raise ValueError(
            f"the access token has {len(token):,} characters, the limit is {MAX_TOKEN:,}: pass fewer claims"
        )
    return token


def read_token(token: str) -> dict[str, Any]:
    """Return the payload of a token that the app received or signed. The signature is not verified.

    Raise ValueError for text that is not a JSON Web Token.
    """
    try:
        _, payload, _ = token.split(".")
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError("the access token is no JSON Web Token")
    return found


def sign_for(endpoint: Endpoint, hub: str, payload: Mapping[str, object]) -> str:
    """Sign the payload of a client token for another endpoint."""
    return _sign_payload(endpoint, {**payload, "aud": endpoint.client_audience(hub)})


def service_name(name: str) -> str:
    """Return the name under which the service takes a claim."""
    return f"{USER_CLAIM_PREFIX}{name}" if name in _RESERVED else name


def sign_server_token(endpoint: Endpoint, url: str, *, lifetime: timedelta = timedelta(minutes=5)) -> str:
    """Sign the token for a REST request. Its audience is the URL without the query."""
    return _sign(endpoint, url.partition("?")[0].rstrip("/"), {}, lifetime)


def _sign(endpoint: Endpoint, audience: str, payload: dict[str, object], lifetime: timedelta) -> str:
    now = int(clock.now())
    times = {"nbf": now, "exp": now + int(lifetime.total_seconds()), "iat": now}
    return _sign_payload(endpoint, {**payload, **times, "aud": audience})


def _sign_payload(endpoint: Endpoint, payload: Mapping[str, object]) -> str:
    if endpoint.access_key is None:
        raise ValueError(
            f"the connection to {endpoint.url} has no AccessKey to sign a token with: for an identity, get a "
            "temporary key with ServiceConnection.client_endpoint()"
        )
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
