"""The access tokens of clients and of servers.

Strict where Azure is: signature, lifetime and audience. Source of the texts that a refusal carries: what the
service and ASP.NET Core answer.
"""

import base64
import binascii
import hashlib
import hmac
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp import web

from serverless_signalr._rest.tokens import USER_CLAIM_PREFIX
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.protocol.claims import Claims, user_id_of
from signalr_local.clock import SYSTEM
from signalr_local.emulator.foreign_tokens import foreign_token
from signalr_local.emulator.hostnames import LOCALHOST, HostNames, same_host, split_url
from signalr_local.emulator.incoming import is_event_stream, is_websocket, query_of
from signalr_local.emulator.terms import Terms

__all__ = ["Gate", "Identity", "UnauthorizedError"]

_ALGORITHMS = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}
_MAX_PASSED = 1024
_NEVER = 2**53


class UnauthorizedError(Exception):
    """A refused token. ``challenge`` is for the caller, the message for the log; neither has the token."""

    def __init__(self, message: str, description: str | None = None) -> None:
        super().__init__(message)
        self.challenge = (
            "Bearer"
            if description is None
            else f'Bearer error="invalid_token", error_description="{description}"'
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a client is; None as user id means anonymous."""

    user_id: str | None
    claims: Claims
    terms: Terms


class Gate:
    """The check of access tokens: signature, expiry, and that they are made for the request.

    A lenient gate checks the signature alone, as the official emulator does. A token that was found good is
    not checked again for the same path until it expires, or the keys change.
    """

    def __init__(
        self,
        keys: Sequence[str],
        hosts: HostNames | None = None,
        *,
        is_lenient: bool = False,
        clock: Callable[[], float] = SYSTEM.time,
    ) -> None:
        """Take the keys, and host names that tokens may be made for besides that of the request."""
        self._keys = list(keys)
        self.port = 0
        self._is_lenient = is_lenient
        self.now = clock
        self._hosts = {LOCALHOST, *(hosts.given if hosts is not None else ())}
        self._passed: OrderedDict[tuple[str, str, str], tuple[float, Identity]] = OrderedDict()

    @property
    def keys(self) -> Sequence[str]:
        """The access keys."""
        return self._keys

    @keys.setter
    def keys(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._passed.clear()

    @property
    def endpoint(self) -> Endpoint:
        """An endpoint whose tokens are accepted under every host name."""
        url = f"http://{LOCALHOST}:{self.port}"
        return Endpoint(url, url, url, self.keys[0])

    def client(self, request: web.BaseRequest, hub: str) -> Identity:
        """Return the identity of a client. Raise UnauthorizedError unless its token is made for this hub."""
        return self._identity(request, "/client/", f"hub={hub}")

    def server(self, request: web.BaseRequest) -> None:
        """Raise UnauthorizedError unless the token is made for the URL of the request, without its query."""
        self._identity(request, request.rel_url.raw_path.rstrip("/"), None)

    def _identity(self, request: web.BaseRequest, path: str, query: str | None) -> Identity:
        token = _token(request)
        key = (token, request.headers.get("Host", ""), path if query is None else f"{path}?{query}")
        known = self._passed.get(key)
        if known is not None and known[0] > self.now():
            self._passed.move_to_end(key)
            return known[1]
        payload = self._payload(token)
        if not self._is_lenient:
            self._check_audience(payload, request, path, query)
        claims = _claims(payload)
        identity = Identity(user_id_of(claims), claims, Terms.of(claims))
        self._remember(key, math.inf if self._is_lenient else _expiration(payload), identity)
        return identity

    def _remember(self, key: tuple[str, str, str], expires: float, identity: Identity) -> None:
        self._passed[key] = (expires, identity)
        self._passed.move_to_end(key)
        if len(self._passed) > _MAX_PASSED:
            self._passed.popitem(last=False)

    def _payload(self, token: str) -> dict[str, Any]:
        signed, _, signature = token.rpartition(".")
        first, _, second = signed.partition(".")
        header, payload = _decode_part(first), _decode_part(second)
        if header is None or payload is None:
            reason = foreign_token(token, None) or "the token is no JSON Web Token"
            raise UnauthorizedError(reason, "The token is malformed")
        algorithm = _ALGORITHMS.get(str(header.get("alg")))
        if algorithm is None:
            raise UnauthorizedError(
                f"the token is signed with {header.get('alg')!r}, expected HS256 or HS512",
                "The signature is invalid",
            )
        expected = _decode_base64(signature) or b""
        if not any(
            hmac.compare_digest(hmac.digest(key.encode(), signed.encode(), algorithm), expected)
            for key in self.keys
        ):
            raise UnauthorizedError(
                foreign_token(token, payload)
                or "the token's signature fits no access key of this emulator: the connection string of "
                "whoever made it holds another AccessKey",
                "The signature key was not found" if "kid" in header else "The signature is invalid",
            )
        if not self._is_lenient:
            _check_lifetime(payload, self.now())
        return payload

    def _check_audience(
        self, payload: dict[str, Any], request: web.BaseRequest, path: str, query: str | None
    ) -> None:
        audience = payload.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        hosts, ports = self._names(request)
        expected = f"http://localhost:{self.port}{path}" + ("" if query is None else f"?{query}")
        if not any(_is_for(seen, expected, hosts, ports) for seen in audiences if isinstance(seen, str)):
            shown = "absent" if audience is None else ", ".join(repr(item) for item in audiences)
            raise UnauthorizedError(
                f"the token's audience (aud) is {shown}, expected '{expected}'",
                "The audience is invalid" if audience is not None else "The audience is empty",
            )

    def _names(self, request: web.BaseRequest) -> tuple[set[str], set[int | None]]:
        """Return the hosts and ports that an audience may have, including those of the request."""
        reached = split_url(f"//{request.headers.get('Host', '')}")
        if reached is None:
            return self._hosts, {None, self.port}
        return self._hosts | {same_host(reached)}, {None, self.port, reached.port}


def _token(request: web.BaseRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    # A browser cannot set headers on a WebSocket or an event stream; everything else has to.
    if is_websocket(request) or is_event_stream(request):
        for token in reversed(query_of(request).getall("access_token", [])):
            return token
    raise UnauthorizedError("the request has no access token: expected Authorization: Bearer <token>")


def _decode_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None


def _decode_part(text: str) -> dict[str, Any] | None:
    data = _decode_base64(text)
    try:
        value = json.loads(data or b"")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _check_lifetime(payload: dict[str, Any], now: float) -> None:
    expires = _expiration(payload)
    if expires <= now:
        shown = datetime.fromtimestamp(expires, UTC).strftime("%m/%d/%Y %H:%M:%S")
        raise UnauthorizedError(
            f"the token expired {now - expires:,.0f} seconds ago, at {shown} UTC",
            f"The token expired at '{shown}'",
        )


def _expiration(payload: dict[str, Any]) -> float:
    expires = payload.get("exp")
    if not isinstance(expires, int | float):
        raise UnauthorizedError("the token has no expiration (exp)", "The token has no expiration")
    # A token may hold any number, also one that no float and no calendar has.
    return float(min(max(0, expires), _NEVER))


def _is_for(audience: str, expected: str, hosts: set[str], ports: set[int | None]) -> bool:
    seen, wanted = split_url(audience), urlsplit(expected)
    if seen is None or seen.scheme not in ("http", "https"):
        return False
    if same_host(seen) not in hosts or seen.port not in ports:
        return False
    if not wanted.query:
        return _folded(seen.path.rstrip("/")) == _folded(wanted.path)
    return (_folded(seen.path), _folded(seen.query)) == (_folded(wanted.path), _folded(wanted.query))


def _folded(text: str) -> str:
    return unquote(text).lower()


def _claims(payload: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    claims: dict[str, tuple[str, ...]] = {}
    for name, value in payload.items():
        name = name.removeprefix(USER_CLAIM_PREFIX)
        values = value if isinstance(value, list) else [value]
        claims[name] = (*claims.get(name, ()), *(_text(item) for item in values))
    return claims


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
