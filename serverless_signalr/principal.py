"""The caller of an HTTP function, verified by App Service Authentication or Static Web Apps.

Source: https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities and
https://learn.microsoft.com/azure/static-web-apps/user-information.
"""

import base64
import binascii
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import azure.functions as func

from serverless_signalr._hosts import LOCAL_HOSTS
from serverless_signalr.protocol.claims import Claims
from serverless_signalr.protocol.mappings import ReadOnlyMapping

__all__ = ["Principal", "insecure_user_id", "is_deployed"]

_PRINCIPAL = "x-ms-client-principal"
_ID = "x-ms-client-principal-id"
_NAME = "x-ms-client-principal-name"

_ROLE = "roles"

_log = logging.getLogger("serverless_signalr")

_HERE = LOCAL_HOSTS | {"0.0.0.0"}  # noqa: S104 - no address to listen on


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller.

    ``provider`` is the identity provider, such as ``aad`` for Microsoft Entra ID. ``claims`` are the claims
    of the provider's token, under the types that the platform maps them to. ``roles`` are the values of the
    provider's role claim, or the roles assigned by Static Web Apps, including ``anonymous`` and
    ``authenticated``.
    """

    id: str
    name: str | None = None
    provider: str | None = None
    claims: Claims = field(default_factory=dict, repr=False)
    roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "claims", ReadOnlyMapping(self.claims))

    @classmethod
    def from_request(cls, request: func.HttpRequest, settings: Mapping[str, str] = os.environ) -> Self | None:
        """Return the caller, or None for an anonymous request.

        The caller is read from headers that the platform sets, and that it removes from incoming requests. If
        App Service Authentication is off, callers can set these headers themselves. A request that has them
        therefore raises PermissionError unless WEBSITE_AUTH_ENABLED is true or the app runs on a developer's
        machine, see is_deployed. Raise ValueError for malformed headers.
        """
        headers = {name.lower(): value for name, value in request.headers.items()}
        encoded, identifier = headers.get(_PRINCIPAL), headers.get(_ID)
        if not encoded and not identifier:
            return None
        if is_deployed(settings) and settings.get("WEBSITE_AUTH_ENABLED", "").lower() != "true":
            raise PermissionError(
                f"the request has {_PRINCIPAL} headers but App Service Authentication is off, so anybody can "
                "send them: turn it on (WEBSITE_AUTH_ENABLED), or do not use Principal"
            )
        decoded = _decode(encoded) if encoded else {}
        if "auth_typ" not in decoded and ("userId" in decoded or "userRoles" in decoded):
            found = cls._from_static_web_apps(decoded, identifier)
            # Static Web Apps also sends a principal for callers who are not signed in.
            if not found.id and set(found.roles) <= {"anonymous"}:
                return None
        else:
            found = cls._from_app_service(decoded, identifier, headers.get(_NAME))
        if not found.id:
            raise ValueError(f"the {_PRINCIPAL} header has no identifier of the caller")
        return found

    @classmethod
    def _from_app_service(cls, decoded: Mapping[str, Any], identifier: str | None, name: str | None) -> Self:
        claims, role_type = _claims(decoded.get("claims")), _text(decoded.get("role_typ")) or _ROLE
        return cls(
            id=identifier or next(iter(claims.get(_id_type(decoded), ())), ""),
            name=name or next(iter(claims.get(str(decoded.get("name_typ")), ())), None),
            provider=_text(decoded.get("auth_typ")),
            claims=claims,
            roles=(*claims.get(role_type, ()), *(claims.get(_ROLE, ()) if role_type != _ROLE else ())),
        )

    @classmethod
    def _from_static_web_apps(cls, decoded: Mapping[str, Any], identifier: str | None) -> Self:
        return cls(
            id=identifier or _text(decoded.get("userId")) or "",
            name=_text(decoded.get("userDetails")) or None,
            provider=_text(decoded.get("identityProvider")) or None,
            claims=_claims(decoded.get("claims")),
            roles=_values("userRoles", decoded.get("userRoles")),
        )


def insecure_user_id(
    request: func.HttpRequest, parameter: str = "user", settings: Mapping[str, str] = os.environ
) -> str | None:
    """Return the user id in the query of the request, or None without one.

    The id is not verified: callers can claim to be anybody. Raise PermissionError unless the app runs on a
    developer's machine.
    """
    if is_deployed(settings):
        raise PermissionError(
            f"a user id from the query parameter {parameter} lets callers claim to be anybody, which is "
            "allowed on a developer's machine only: use Principal.from_request"
        )
    return request.params.get(parameter) or None


def is_deployed(settings: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the app runs anywhere else than on a developer's machine.

    On a developer's machine, the local host sets ``AZURE_FUNCTIONS_ENVIRONMENT`` to Development and
    ``WEBSITE_HOSTNAME`` to localhost. Everything else counts as deployed, including Kubernetes and
    containers: an app that does not know where it runs trusts nobody.
    """
    is_development = settings.get("AZURE_FUNCTIONS_ENVIRONMENT", "").lower() == "development"
    return not is_development or settings.get("WEBSITE_HOSTNAME", "").partition(":")[0] not in _HERE


def _decode(text: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"the {_PRINCIPAL} header is not the base64 text of a JSON object")
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _claims(items: object) -> dict[str, tuple[str, ...]]:
    claims: dict[str, tuple[str, ...]] = {}
    for item in items if isinstance(items, list) else []:
        match item:
            case {"typ": str(name), "val": value}:
                claims[name] = (*claims.get(name, ()), *_values(name, value))
            case _:
                _log.warning("ignoring a claim without a type or a value in the %s header", _PRINCIPAL)
    return claims


def _values(name: str, value: object) -> tuple[str, ...]:
    """Return the values of a claim as texts. Values that are not text keep their JSON form."""
    match value:
        case str():
            return (value,)
        case list():
            return tuple(text for item in value for text in _values(name, item))
        case None:
            _log.warning("ignoring %r in the %s header, since it is null", name, _PRINCIPAL)
            return ()
        case _:
            return (json.dumps(value, ensure_ascii=False, separators=(",", ":")),)


def _id_type(decoded: Mapping[str, Any]) -> str:
    """Return the type of the claim that identifies a caller if the id header is missing."""
    if decoded.get("auth_typ") == "aad":
        return "http://schemas.microsoft.com/identity/claims/objectidentifier"
    return "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
