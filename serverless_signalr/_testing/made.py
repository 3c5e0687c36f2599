"""Contexts and principals with everything that a test does not care about filled in."""

import base64
import json
from collections.abc import Mapping, Sequence

from serverless_signalr._functions.event_names import category_of
from serverless_signalr._testing.hub import as_claims
from serverless_signalr.models import SignalRConnectionInfo, SignalRInvocationContext
from serverless_signalr.principal import Principal

__all__ = ["connection_info", "invocation_context", "principal", "principal_headers"]


def invocation_context(
    event: str = "test",
    *arguments: object,
    user_id: str | None = None,
    connection_id: str = "c1",
    claims: Mapping[str, str | Sequence[str]] | None = None,
    error: str | None = None,
    hub: str = "test",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> SignalRInvocationContext:
    """Return who calls, for a hub method or a function that a test calls directly.

    Called like that, neither ``@requires`` nor filters apply: see ``call``.
    """
    return SignalRInvocationContext(
        hub=hub,
        category=category_of(event).value,
        event=event,
        connection_id=connection_id,
        user_id=user_id,
        arguments=list(arguments),
        error=error,
        headers=headers or {},
        query=query or {},
        claims=as_claims(claims),
    )


def connection_info(hub: str = "test") -> SignalRConnectionInfo:
    """Return connection info that connects to nothing, for a negotiate function that is called directly."""
    return SignalRConnectionInfo(f"http://fake-service.test/client/?hub={hub}", "header.payload.signature")


def principal(
    id: str, *, name: str | None = None, roles: Sequence[str] = (), provider: str = "aad"
) -> Principal:
    """Return a caller as App Service Authentication verifies one."""
    return Principal(id, name or id, provider, {"roles": tuple(roles)} if roles else {}, tuple(roles))


def principal_headers(caller: Principal | str) -> dict[str, str]:
    """Return the headers in which App Service Authentication tells who calls."""
    found = principal(caller) if isinstance(caller, str) else caller
    claims = [{"typ": name, "val": value} for name, values in found.claims.items() for value in values]
    claims += [
        {"typ": "roles", "val": role} for role in found.roles if role not in found.claims.get("roles", ())
    ]
    encoded = json.dumps(
        {"auth_typ": found.provider, "name_typ": "name", "role_typ": "roles", "claims": claims}
    )
    return {
        "x-ms-client-principal": base64.b64encode(encoded.encode()).decode(),
        "x-ms-client-principal-id": found.id,
        "x-ms-client-principal-name": found.name or found.id,
    }
