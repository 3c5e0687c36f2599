"""The operations of the REST client on the authentication of connections, a preview of the service.

Source: the requests of the .NET Management SDK, and https://github.com/Azure/azure-signalr/issues/2282.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from serverless_signalr._rest import clock
from serverless_signalr._rest.encoding import encode
from serverless_signalr._rest.operations import Operation, Reach
from serverless_signalr._rest.responses import Response
from serverless_signalr._rest.tokens import service_name
from serverless_signalr.errors import (
    ConnectionNotFoundError,
    RefreshNotSupportedError,
    ServiceError,
    UserMismatchError,
)
from serverless_signalr.protocol.claims import (
    NAME_IDENTIFIER,
    Claims,
    check_claims,
    check_lifetime,
    user_id_of,
)

__all__ = ["AuthenticationOperations", "Refreshed", "check_connection_token", "refresh"]

_VERSION = "2026-07-01"
"""The first version of the API that has these operations."""

_TOKEN = re.compile(r"[!-~]{1,512}")
_ABOUT_VERSION = re.compile(r"api.?version", re.IGNORECASE)

type _Run = Callable[[Operation], Awaitable[Response]]


class Refreshed(NamedTuple):
    """The claims of a connection after a refresh, and the URL of the instance that has the connection."""

    claims: Claims
    instance: str


class AuthenticationOperations(ABC):
    """The operations of a ServiceClient on the authentication of connections."""

    @abstractmethod
    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Carry out an operation, and return its response."""

    async def refresh_authentication(
        self,
        connection_token: str,
        *,
        user_id: str | None = None,
        claims: Mapping[str, str | Sequence[str]] | None = None,
        lifetime: timedelta = timedelta(hours=1),
    ) -> Claims:
        """Replace the claims of an open connection, and move its expiry to ``lifetime`` from now (preview).

        Return all claims that the connection has afterwards, including those of the service itself. The
        claims apply to the events that follow. Claims that are not passed are removed. The expiry matters to
        a connection that closes when its token expires.

        ``connection_token`` is the secret of the client, not the connection id. Identify the user anew, as
        for ``negotiate``. Raise UserMismatchError if the connection is that of another user, or if one of the
        two is anonymous; ConnectionNotFoundError if there is no such connection; RefreshNotSupportedError if
        the service does not have the operation. See docs/refresh.md.
        """
        check_lifetime(lifetime)
        expires = clock.now() + lifetime.total_seconds()
        return (await refresh(self.run, connection_token, user_id, claims or {}, expires)).claims

    async def connection_claims(self, connection_token: str) -> Claims:
        """Return the claims of an open connection, including those of the service itself (preview).

        Raise ConnectionNotFoundError and RefreshNotSupportedError, as ``refresh_authentication`` does.
        """
        return await _claims_of(self.run, check_connection_token(connection_token))


async def refresh(
    run: _Run,
    connection_token: str,
    user_id: str | None,
    claims: Mapping[str, str | Sequence[str]],
    expires: float,
) -> Refreshed:
    """Give a connection the claims and the expiry of a new token, in seconds since the epoch."""
    token = check_connection_token(connection_token)
    check_claims(user_id, claims)
    if user_id is None:
        # It is not documented that the service compares claims without a user with the user that it has.
        _check_user(await _claims_of(run, token), None)
    body = {
        "connectionToken": token,
        "expireTime": datetime.fromtimestamp(expires, UTC).isoformat(),
        "claims": [
            *([] if user_id is None else [{"type": NAME_IDENTIFIER, "value": user_id}]),
            *(
                {"type": service_name(name), "value": value}
                for name, values in claims.items()
                for value in ([values] if isinstance(values, str) else values)
            ),
        ],
    }
    response = await _ask(run, "POST", "/connections/:refreshAuth", body, token)
    found = _claims(response)
    _check_user(found, user_id)
    return Refreshed(found, response.instance)


def check_connection_token(token: object) -> str:
    """Return the token of a connection. Raise TypeError or ValueError for what cannot be one."""
    if not isinstance(token, str):
        raise TypeError(f"the connection token is a {type(token).__name__}, expected text")
    if not _TOKEN.fullmatch(token):
        raise ValueError(
            f"the connection token has {len(token):,} characters, expected 1 to 512 printable ASCII ones: "
            "pass the connectionToken with which the client has connected"
        )
    return token


async def _claims_of(run: _Run, token: str) -> Claims:
    return _claims(await _ask(run, "QUERY", "/connections/claims", {"connectionToken": token}, token))


async def _ask(run: _Run, method: str, path: str, body: Mapping[str, object], token: str) -> Response:
    operation = Operation(method, path, body=encode(body), reach=Reach.ANY, api_version=_VERSION)
    try:
        return await run(operation)
    except ServiceError as error:
        # A client chose the token: if the service quotes it, it must not pass for a reason.
        said = str(error).replace(token, "")
        kind, reason = _meaning(error.status, said)
        if kind is None:
            raise
        raise kind(
            f"{reason}: {said}", status=error.status, error_code=error.error_code, request_id=error.request_id
        ) from None


def _meaning(status: int | None, said: str) -> tuple[type[ServiceError] | None, str]:
    if status == 403:
        return UserMismatchError, "the connection belongs to another user"
    if status == 404:
        return ConnectionNotFoundError, "no open connection has this connection token"
    if status in (405, 501) or (status == 400 and _ABOUT_VERSION.search(said)):
        return RefreshNotSupportedError, f"the service does not support version {_VERSION} of its API"
    return None, ""


def _claims(response: Response) -> Claims:
    claims: dict[str, tuple[str, ...]] = {}
    answer = response.json()
    for claim in answer.get("claims") or () if isinstance(answer, dict) else ():
        name, value = claim["type"], claim["value"]
        claims[name] = (*claims.get(name, ()), value)
    return claims


def _check_user(claims: Claims, user_id: str | None) -> None:
    if user_id_of(claims) != user_id:
        raise UserMismatchError("the connection belongs to another user", status=403)
