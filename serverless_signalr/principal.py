"""Who calls an HTTP function: the identity that App Service Authentication verified.

Source: https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import azure.functions as func

from serverless_signalr.protocol.claims import Claims

__all__ = ["Principal", "insecure_user_id", "is_deployed"]

_PRINCIPAL = "x-ms-client-principal"
_ID = "x-ms-client-principal-id"
_NAME = "x-ms-client-principal-name"

_ROLE = "roles"

_HERE = frozenset({"localhost", "127.0.0.1", "0.0.0.0"})  # noqa: S104 - no address to listen on


@dataclass(frozen=True, slots=True)
class Principal:
    """Describe a verified caller.

    ``provider`` is the identity provider, ``aad`` for Microsoft Entra ID. ``claims`` are those of the
    provider's token, by their types as App Service maps them; ``roles`` are those among them that the
    provider's role claim names.
    """

    id: str
    name: str | None = None
    provider: str | None = None
    claims: Claims = field(default_factory=dict, repr=False)
    roles: tuple[str, ...] = ()

    @classmethod
    def from_request(cls, request: func.HttpRequest, settings: Mapping[str, str] = os.environ) -> Self | None:
        """Return who calls, None for an anonymous caller.

        Only App Service Authentication may write these headers; it removes those that a caller sends.
        Where it is off they are the caller's, so PermissionError is raised for a request that has them while
        WEBSITE_AUTH_ENABLED is not true, unless the app runs on a developer's machine, see is_deployed. Raise
        ValueError for headers that cannot be read.
        """
        headers = {name.lower(): value for name, value in request.headers.items()}
        encoded, identifier = headers.get(_PRINCIPAL), headers.get(_ID)
        if not encoded and not identifier:
            return None
        if is_deployed(settings) and settings.get("WEBSITE_AUTH_ENABLED", "").lower() != "true":
            raise PermissionError(
                f"the request has {_PRINCIPAL} headers but App Service Authentication is off, so anybody can "
                "send them: turn it on (WEBSITE_AUTH_ENABLED), or do not ask who calls"
            )
        decoded = _decode(encoded) if encoded else {}
        claims, role_type = _claims(decoded.get("claims")), _text(decoded.get("role_typ")) or _ROLE
        found = identifier or next(iter(claims.get(_id_type(decoded), ())), None)
        if not found:
            raise ValueError(f"the {_PRINCIPAL} header names nobody: it has no identifier")
        return cls(
            id=found,
            name=headers.get(_NAME) or next(iter(claims.get(str(decoded.get("name_typ")), ())), None),
            provider=_text(decoded.get("auth_typ")),
            claims=claims,
            roles=(*claims.get(role_type, ()), *(claims.get(_ROLE, ()) if role_type != _ROLE else ())),
        )


def insecure_user_id(
    request: func.HttpRequest, parameter: str = "user", settings: Mapping[str, str] = os.environ
) -> str | None:
    """Return the user id that a caller chose for itself in the query, None where it chose none.

    It proves nothing: anybody can be anybody. Raise PermissionError anywhere but on a developer's machine.
    """
    if is_deployed(settings):
        raise PermissionError(
            f"a user id from the query parameter {parameter} lets every caller choose who to be, which is "
            "for a developer's machine, where the local host says that it is one: elsewhere take it from "
            "Principal.from_request"
        )
    return request.params.get(parameter) or None


def is_deployed(settings: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the app runs anywhere but on a developer's machine.

    There, the local hosts say ``AZURE_FUNCTIONS_ENVIRONMENT=Development`` and call themselves localhost
    (``WEBSITE_HOSTNAME``). Everything else is taken for deployed, Kubernetes and containers too: who cannot
    tell where it runs trusts nobody.
    """
    is_development = settings.get("AZURE_FUNCTIONS_ENVIRONMENT", "").lower() == "development"
    return not is_development or settings.get("WEBSITE_HOSTNAME", "").partition(":")[0] not in _HERE


def _decode(text: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"the {_PRINCIPAL} header is no base64 text of a JSON object")
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _claims(items: object) -> dict[str, tuple[str, ...]]:
    claims: dict[str, tuple[str, ...]] = {}
    for item in items if isinstance(items, list) else []:
        match item:
            case {"typ": str(name), "val": str(value)}:
                claims[name] = (*claims.get(name, ()), value)
            case _:
                pass
    return claims


def _id_type(decoded: Mapping[str, Any]) -> str:
    """Return the claim that names a caller where the id header is absent."""
    if decoded.get("auth_typ") == "aad":
        return "http://schemas.microsoft.com/identity/claims/objectidentifier"
    return "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
