"""Which identity of Microsoft Entra ID the app is, and its tokens.

Source: https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
and https://learn.microsoft.com/azure/azure-signalr/concept-connection-string.
"""

import asyncio
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from signalr.errors import ConnectionStringError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.core.credentials_async import AsyncSupportsTokenInfo

__all__ = ["Credential", "Identity", "IdentityKind", "check_ids"]

_PATIENCE = 20.0
"""Seconds that a token may take: azure-identity would go on for more than a minute."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


class IdentityKind(StrEnum):
    """Say where an identity's tokens come from."""

    DEFAULT = "default"
    MANAGED = "managed"
    WORKLOAD = "workload"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Identity:
    """Name one identity; as a text, it is what a role is granted to.

    ``client_id`` picks a user-assigned managed identity, ``resource_id`` does so by its Azure resource id.
    An application has a tenant, and a secret or the path of a certificate.
    """

    kind: IdentityKind = IdentityKind.DEFAULT
    client_id: str | None = None
    tenant_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    certificate: str | None = None
    resource_id: str | None = None

    @classmethod
    def from_settings(cls, section: str, members: Mapping[str, str]) -> Self:
        """Read ``<section>__credential`` and so on, as the Functions host reads them.

        ``members`` are the values by their names in lower case. Without ``credential`` an application's
        three settings make it one, anything else is DefaultAzureCredential. Raise ConnectionStringError,
        which names the setting, for what makes no identity.
        """
        client_id, tenant_id = members.get("clientid"), members.get("tenantid")
        secret, resource_id = members.get("clientsecret"), members.get("managedidentityresourceid")
        check_ids(
            f"the app setting {section}__clientId",
            client_id,
            f"the app setting {section}__tenantId",
            tenant_id,
        )
        if resource_id is not None and not resource_id.startswith("/subscriptions/"):
            raise ConnectionStringError(
                f"the app setting {section}__managedIdentityResourceId is wrong, expected /subscriptions/…"
            )
        match members.get("credential", "").lower():
            case "managedidentity":
                if client_id and resource_id:
                    raise ConnectionStringError(
                        f"{section}__clientId and {section}__managedIdentityResourceId both are set, and "
                        "either names the managed identity: remove one"
                    )
                return cls(IdentityKind.MANAGED, client_id, resource_id=resource_id)
            case "workloadidentity":
                return cls(IdentityKind.WORKLOAD, client_id, tenant_id)
            case "":
                pass
            case _:
                raise ConnectionStringError(
                    f"the app setting {section}__credential is wrong, expected managedidentity or "
                    "workloadidentity, or no such setting for DefaultAzureCredential"
                )
        if secret is None:
            return cls(IdentityKind.DEFAULT, client_id, tenant_id)
        missing = [
            f"{section}__{name}"
            for name, value in (("clientId", client_id), ("tenantId", tenant_id))
            if value is None
        ]
        if missing:
            raise ConnectionStringError(
                f"the app setting {section}__clientSecret is set, but not {' and '.join(missing)}: "
                "an application of Entra ID needs all three"
            )
        return cls(IdentityKind.APPLICATION, client_id, tenant_id, secret)

    def __str__(self) -> str:
        match self.kind:
            case IdentityKind.MANAGED:
                named = self.client_id or self.resource_id
                return f"the managed identity {named}" if named else "the system-assigned managed identity"
            case IdentityKind.WORKLOAD:
                return (
                    f"the workload identity {self.client_id or os.environ.get('AZURE_CLIENT_ID', '')}".strip()
                )
            case IdentityKind.APPLICATION:
                return f"the application {self.client_id} of the tenant {self.tenant_id}"
            case _:
                return " ".join(f"the identity {self._chosen()} that DefaultAzureCredential finds".split())

    def _chosen(self) -> str:
        """Return the client id, or that of the environment, which azure-identity uses then."""
        found = self.client_id or os.environ.get("AZURE_CLIENT_ID", "")
        # Who pastes a secret into the wrong setting does not want to read it in a log.
        return found if _GUID.fullmatch(found) else ""

    def credential(self) -> "Credential":
        """Return a credential for one client; those of an identity share its tokens."""
        return Credential(self)


def check_ids(client_label: str, client_id: str | None, tenant_label: str, tenant_id: str | None) -> None:
    """Raise ConnectionStringError for ids that cannot be those of an identity: messages show ids."""
    if client_id is not None and not _GUID.fullmatch(client_id):
        raise ConnectionStringError(f"{client_label} is wrong, expected a GUID: the client id of an identity")
    if tenant_id is not None and not (_GUID.fullmatch(tenant_id) or _DOMAIN.fullmatch(tenant_id)):
        raise ConnectionStringError(f"{tenant_label} is wrong, expected a GUID, or a domain of the tenant")


class Credential:
    """Be an async credential of azure-identity, in any event loop, with nothing that must be closed.

    A holder that asks for another token while the last one is good had it refused: azure-identity would
    answer with the same one, this class gets a fresh one.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._handed: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, ...], str]] = (
            WeakKeyDictionary()
        )

    async def get_token_info(
        self, *scopes: str, options: "TokenRequestOptions | None" = None
    ) -> "AccessTokenInfo":
        """Return a token with what is known about it.

        Raise ClientAuthenticationError, which names the identity and has no answer, where there is none.
        """
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._token(scopes, options or {})
        except TimeoutError:
            reason = f"within {_PATIENCE:.0f} seconds"
            raise ClientAuthenticationError(f"{self._identity} got none {reason}") from None
        except (AzureError, ValueError, OSError) as error:
            # Few say so: the endpoint of managed identities answers 400, and a certificate may not be there.
            reason = str(error).partition("\n")[0].removeprefix("(None) ").rstrip(".")
            raise ClientAuthenticationError(f"{self._identity} got none: {reason}") from error

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **_: Any,
    ) -> "AccessToken":
        """Return a token."""
        from azure.core.credentials import AccessToken

        options: TokenRequestOptions = {"enable_cae": enable_cae}
        if claims is not None:
            options["claims"] = claims
        if tenant_id is not None:
            options["tenant_id"] = tenant_id
        token = await self.get_token_info(*scopes, options=options)
        return AccessToken(token.token, token.expires_on)

    async def close(self) -> None:
        """Do nothing: the connections belong to the event loop's pool."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def _token(self, scopes: tuple[str, ...], options: "TokenRequestOptions") -> "AccessTokenInfo":
        loop = asyncio.get_running_loop()
        shared = _shared.setdefault(loop, {})
        handed = self._handed.setdefault(loop, {})
        known = shared.get(self._identity)
        if known is None:
            known = shared[self._identity] = _open(self._identity)
        token = await known.get_token_info(*scopes, options=options)
        if handed.get(scopes) == token.token:
            token = await self._fresh(shared, token, scopes, options)
        handed[scopes] = token.token
        return token

    async def _fresh(
        self,
        shared: "dict[Identity, AsyncSupportsTokenInfo]",
        refused: "AccessTokenInfo",
        scopes: tuple[str, ...],
        options: "TokenRequestOptions",
    ) -> "AccessTokenInfo":
        from azure.core.exceptions import AzureError

        opened = _open(self._identity)
        try:
            token = await opened.get_token_info(*scopes, options=options)
        except AzureError:
            # It may have been asked for early, not refused: then the old one is better than none.
            if refused.expires_on <= time.time():
                raise
            return refused
        shared[self._identity] = opened
        return token


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Identity, "AsyncSupportsTokenInfo"]] = (
    WeakKeyDictionary()
)
"""The credentials of azure-identity, which hold the tokens, by event loop."""


def _open(identity: Identity) -> "AsyncSupportsTokenInfo":
    from azure.identity import aio

    from signalr.transport import PoolTransport

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
