"""Connections that stay signed in: other claims and a later end for one that is open.

Source: the requests of the .NET Management SDK, and https://github.com/Azure/azure-signalr/issues/2282.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

from serverless_signalr._rest.tokens import USER_CLAIM_PREFIX
from serverless_signalr.protocol.claims import Claims, user_id_of
from signalr_local.emulator.call import Call, NotExistedError, RestError, invalid
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.terms import EXPIRES, Terms

__all__ = ["connection_claims", "refresh_authentication"]

_OWN = "asrs."
_REGISTERED = frozenset({"nbf", "exp", "iat", "iss", "aud"})
_NEVER = datetime.max.year
"""The year in which the SDK has a connection expire whose end is to stay as it is."""

_log = logging.getLogger(__name__)


def connection_claims(call: Call) -> dict[str, object]:
    """Return the claims of the connection with a connection token."""
    return _shown(_connection(call, _fields(call)).identity.claims)


def refresh_authentication(call: Call) -> dict[str, object]:
    """Give a connection the claims and the end of a new token; return all its claims.

    Without claims it keeps those that it has, without a time its end.
    """
    fields = _fields(call)
    given = _given(fields.get("claims"))
    expires = _time(fields.get("expiretime"), call.now())
    connection = _connection(call, fields)
    claims = dict(connection.identity.claims)
    if given is not None:
        if user_id_of(given) != connection.user_id:
            raise RestError(
                HTTPStatus.FORBIDDEN,
                f"The claims are those of {_who(user_id_of(given))}, the connection is one of "
                f"{_who(connection.user_id)}: a connection keeps its user.",
            )
        claims = _kept(claims) | _carried(given, claims)
    if expires is not None:
        claims[EXPIRES] = (str(expires),)
    connection.renew(replace(connection.identity, claims=claims, terms=Terms.of(claims)))
    _log.info("%s is refreshed.", connection)
    return _shown(claims)


def _fields(call: Call) -> dict[str, object]:
    if not isinstance(call.value, dict):
        raise invalid('The request body must be a JSON object such as {"connectionToken": "…"}.')
    return {name.lower(): value for name, value in call.value.items()}


def _connection(call: Call, fields: Mapping[str, object]) -> Connection:
    token = fields.get("connectiontoken")
    if not isinstance(token, str) or not token:
        raise invalid("The ConnectionToken field is required.", "connectionToken")
    ticket = call.tickets.find(token, call.hub.name)
    connection = None if ticket is None else call.hub.connections.get(ticket.connection_id)
    # In version 0 of negotiate there is no secret: everybody may know the id that stands in its place.
    if ticket is None or connection is None or ticket.token == ticket.connection_id:
        _log.warning(
            "No connection of hub '%s' has the connection token of the request: the client is gone, it has "
            "not connected yet, it negotiated without negotiateVersion=1, or this is another token, such as "
            "the connection id.",
            call.hub.name,
        )
        raise NotExistedError("Error.Connection.NotExisted")
    return connection


def _given(value: object) -> dict[str, tuple[str, ...]] | None:
    if value is None:
        return None
    claims: dict[str, tuple[str, ...]] = {}
    for item in value if isinstance(value, list) else [None]:
        fields = {name.lower(): text for name, text in item.items()} if isinstance(item, dict) else {}
        name, text = fields.get("type"), fields.get("value")
        if not isinstance(name, str) or not name or not isinstance(text, str):
            raise invalid(
                'The Claims field must be a list of objects such as {"type": "role", "value": "author"}.',
                "claims",
            )
        claims[name] = (*claims.get(name, ()), text)
    return claims


def _time(value: object, now: float) -> int | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        raise invalid(
            f"ExpireTime is {str(value)[:40]!r}, expected a time in ISO 8601.", "expireTime"
        ) from None
    if time.year == _NEVER:
        return None
    expires = int((time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp())
    if expires <= now:
        raise invalid(f"ExpireTime is {str(value)[:40]!r}, expected a time in the future.", "expireTime")
    return expires


def _kept(claims: Claims) -> dict[str, tuple[str, ...]]:
    """Return the claims that are no business of the app: the service's own, and those of every token."""
    return {name: values for name, values in claims.items() if _is_kept(name)}


def _carried(given: Claims, old: Claims) -> dict[str, tuple[str, ...]]:
    ignored = sorted(name for name, values in given.items() if _is_kept(name) and old.get(name) != values)
    if ignored:
        _log.warning(
            "A refresh cannot change the claims %s, which are the service's own: they are ignored.",
            ", ".join(ignored)[:200],
        )
    return {
        name.removeprefix(USER_CLAIM_PREFIX): values for name, values in given.items() if not _is_kept(name)
    }


def _is_kept(name: str) -> bool:
    # Claims of the app with a name of every token have a prefix, here as in a token.
    return name in _REGISTERED or (name.startswith(_OWN) and not name.startswith(USER_CLAIM_PREFIX))


def _shown(claims: Claims) -> dict[str, object]:
    pairs = [{"type": name, "value": value} for name, values in claims.items() for value in values]
    return {"claims": pairs}


def _who(user_id: str | None) -> str:
    return "an anonymous client" if user_id is None else f"user {user_id!r}"
