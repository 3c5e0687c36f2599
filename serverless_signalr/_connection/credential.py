"""Access tokens of an identity, shared by all callers and renewed before they expire.

azure-identity fetches the tokens. It does not share a request among concurrent callers, and it drops a token
that is due for renewal even if the renewal fails. Only the call that needs a token imports this module.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from time import monotonic
from typing import Any, Self
from weakref import WeakKeyDictionary

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.credentials_async import AsyncSupportsTokenInfo
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import aio

from serverless_signalr import _telemetry as telemetry
from serverless_signalr._identity import Identity, IdentityKind
from serverless_signalr._rest.pool import PoolTransport

__all__ = ["Credential"]

_PATIENCE = 20.0
"""Timeout in seconds for a token request. azure-identity would retry for more than a minute."""

_BRIEFLY = 2.0
"""Seconds that a caller waits for a renewal while the current token is still valid."""

_PAUSE = 5.0
"""Seconds without a new request after a failure."""

_LEFT = 60.0
"""Seconds of validity that a token must have left to be used."""

_log = logging.getLogger("serverless_signalr")

type _Request = tuple[tuple[str, ...], str | None, str | None, bool]
"""The key of a token request: scopes, tenant, claims, and whether continuous access evaluation is on."""


class Credential:
    """An asynchronous token credential for any event loop, with nothing to close.

    A holder that asks again while its last token is valid has had that token refused. azure-identity would
    return the same token; this class requests a new one.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._handed: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Request, str]] = WeakKeyDictionary()

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Return a token with its expiry and renewal times.

        Raise ClientAuthenticationError, with the identity in its message and without a response, if there is
        no token.
        """
        asked = options or {}
        request = (scopes, asked.get("tenant_id"), asked.get("claims"), asked.get("enable_cae", False))
        loop = asyncio.get_running_loop()
        handed = self._handed.setdefault(loop, {})
        held = _held.setdefault(loop, {})
        tokens = held.get(self._identity)
        if tokens is None:
            tokens = held[self._identity] = _Tokens(self._identity)
        token = await tokens.get(request, asked, refused=handed.get(request))
        handed[request] = token.token
        return token

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **_: Any,
    ) -> AccessToken:
        """Return a token."""
        options: TokenRequestOptions = {"enable_cae": enable_cae}
        if claims is not None:
            options["claims"] = claims
        if tenant_id is not None:
            options["tenant_id"] = tenant_id
        token = await self.get_token_info(*scopes, options=options)
        return AccessToken(token.token, token.expires_on)

    async def close(self) -> None:
        """Do nothing: the sockets belong to the event loop's pool."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@dataclass(slots=True)
class _Token:
    """A token, the result of the last attempt to renew it, and the attempt in progress."""

    info: AccessTokenInfo | None = None
    renew_at: float = 0.0
    reason: str = ""
    cause: Exception | None = None
    ask_at: float = 0.0
    flight: asyncio.Task[None] | None = None
    since: float = 0.0

    def is_good(self) -> bool:
        return self.info is not None and self.info.expires_on - time.time() > _LEFT

    def is_due(self) -> bool:
        return time.time() >= self.renew_at


class _Tokens:
    """The tokens of one identity in one event loop."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._source: AsyncSupportsTokenInfo | None = None
        self._tokens: dict[_Request, _Token] = {}

    async def get(
        self, request: _Request, options: TokenRequestOptions, refused: str | None
    ) -> AccessTokenInfo:
        token = self._tokens.setdefault(request, _Token())
        held = token.info
        is_refused = held is not None and held.token == refused
        if held is not None and not is_refused and token.is_good() and not token.is_due():
            return held
        if monotonic() >= token.ask_at:
            flight = self._start(token, request[0], options)
            # A token that is due is still usable; one that is not due can only have been refused.
            is_useful = token.is_good() and token.is_due()
            left = max(0.0, token.since + _BRIEFLY - monotonic()) if is_useful else None
            await asyncio.wait({flight}, timeout=left)
        if token.info is not None and token.is_good():
            return token.info
        raise ClientAuthenticationError(
            f"{self._identity} could not get one: {token.reason}"
        ) from token.cause

    def _start(
        self, token: _Token, scopes: tuple[str, ...], options: TokenRequestOptions
    ) -> asyncio.Task[None]:
        if token.flight is None:
            token.since = monotonic()
            token.flight = asyncio.get_running_loop().create_task(self._ask(token, scopes, options))
        return token.flight

    async def _ask(self, token: _Token, scopes: tuple[str, ...], options: TokenRequestOptions) -> None:
        # The existing azure-identity object would return its cached token, so a renewal uses a new object.
        source = None if token.info is not None else self._source
        try:
            async with asyncio.timeout(_PATIENCE):
                source = source or _open(self._identity)
                info = await source.get_token_info(*scopes, options=options)
        except TimeoutError:
            self._fail(token, f"no response within {_PATIENCE:.0f} seconds", None)
        except AzureError as error:
            # Not only ClientAuthenticationError: the managed identity endpoint responds with 400.
            self._fail(token, str(error).partition("\n")[0].removeprefix("(None) ").rstrip("."), error)
        except Exception as error:  # noqa: BLE001 - a certificate may be missing or unreadable
            self._fail(token, f"{type(error).__name__}: {str(error).partition('\n')[0].rstrip('.')}", error)
        else:
            self._source = source
            telemetry.fetched("token")
            # If the service refuses the renewed token too, another request would not help.
            token.ask_at = 0.0 if token.info is None else monotonic() + _PAUSE
            now = time.time()
            renew_at = info.refresh_on or int(now + (info.expires_on - now) / 2)
            token.info, token.renew_at = _due_at(info, renew_at), renew_at
        finally:
            # A finished task keeps its event loop alive, and with it this entry.
            token.flight = None

    def _fail(self, token: _Token, reason: str, cause: Exception | None) -> None:
        token.reason, token.ask_at = reason, monotonic() + _PAUSE
        token.cause = None if cause is None else cause.with_traceback(None)
        if token.is_good():
            _log.warning(
                "%s could not renew its token: %s; the current token stays in use", self._identity, reason
            )


_held: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Identity, _Tokens]] = WeakKeyDictionary()


def _due_at(info: AccessTokenInfo, moment: int) -> AccessTokenInfo:
    """Return a copy of the token that azure-core renews at ``moment``."""
    return AccessTokenInfo(info.token, info.expires_on, token_type=info.token_type, refresh_on=moment)


def _open(identity: Identity) -> AsyncSupportsTokenInfo:
    transport = PoolTransport()
    match identity.kind:
        case IdentityKind.MANAGED:
            config = {"mi_res_id": identity.resource_id} if identity.resource_id else None
            return aio.ManagedIdentityCredential(
                client_id=identity.client_id, identity_config=config, transport=transport
            )
        case IdentityKind.WORKLOAD:
            return aio.WorkloadIdentityCredential(
                client_id=identity.client_id, tenant_id=identity.tenant_id, transport=transport
            )
        case IdentityKind.APPLICATION if identity.client_secret is not None:
            return aio.ClientSecretCredential(
                str(identity.tenant_id), str(identity.client_id), identity.client_secret, transport=transport
            )
        case IdentityKind.APPLICATION:
            return aio.CertificateCredential(
                str(identity.tenant_id),
                str(identity.client_id),
                certificate_path=identity.certificate,
                transport=transport,
            )
        case _:
            chosen: dict[str, Any] = (
                {"managed_identity_client_id": identity.client_id} if identity.client_id else {}
            )
            return aio.DefaultAzureCredential(transport=transport, **chosen)
