"""Authentication refresh of the connections of a FakeHub."""

import json
from typing import Any

from serverless_signalr._rest.responses import Response
from serverless_signalr._testing.hub import FakeConnection, FakeHub
from serverless_signalr.protocol.claims import USER_ID_CLAIM, user_id_of

__all__ = ["connection_claims", "refresh_authentication"]

_ABSENT = Response(404, {"x-ms-error-code": "Error.Connection.NotExisted"}, b"", "fake")


def connection_claims(hub: FakeHub, body: dict[str, Any]) -> Response:
    """Return the claims of the connection with a connection token."""
    found = _find(hub, body)
    return _ABSENT if found is None else _shown(found)


def refresh_authentication(hub: FakeHub, body: dict[str, Any]) -> Response:
    """Give a connection other claims, unless they are those of another user."""
    found = _find(hub, body)
    if found is None:
        return _ABSENT
    claims: dict[str, tuple[str, ...]] = {}
    for claim in body["claims"]:
        claims[claim["type"]] = (*claims.get(claim["type"], ()), claim["value"])
    if user_id_of(claims) != found.user_id:
        return Response(403, {}, b"", "fake")
    found.claims = claims
    return _shown(found)


def _find(hub: FakeHub, body: dict[str, Any]) -> FakeConnection | None:
    token = body["connectionToken"]
    return next((each for each in hub.connections.values() if each.connection_token == token), None)


def _shown(connection: FakeConnection) -> Response:
    user = {} if connection.user_id is None else {USER_ID_CLAIM: (connection.user_id,)}
    claims = {**connection.claims, **user}.items()
    pairs = [{"type": name, "value": value} for name, values in claims for value in values]
    return Response(200, {}, json.dumps({"claims": pairs}).encode(), "fake")
