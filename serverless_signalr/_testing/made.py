"""Contexts, connection info and principals, with defaults for whatever a test leaves out."""

import base64
import json
from collections.abc import Mapping, Sequence

from serverless_signalr._functions.event_names import category_of
from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr._models.negotiation import SignalRConnectionInfo
from serverless_signalr._testing.hub import as_claims
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
    """Return the context of a call, for a test that calls a hub method or a function directly.

    ``@requires`` and filters do not apply to a direct call. Use ``call`` to test them.
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
    """Return connection info for a test that calls a negotiate function directly.

    Nothing answers at its URL.
    """
    return SignalRConnectionInfo(f"http://fake-service.test/client/?hub={hub}", "header.payload.signature")


def principal(
    id: str, *, name: str | None = None, roles: Sequence[str] = (), provider: str = "aad"
) -> Principal:
    """Return a principal as App Service Authentication provides it."""
    return Principal(id, name or id, provider, {"roles": tuple(roles)} if roles else {}, tuple(roles))


def principal_headers(caller: Principal | str) -> dict[str, str]:
    """Return the headers in which App Service Authentication names the caller."""
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
