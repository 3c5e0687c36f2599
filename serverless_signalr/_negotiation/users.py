"""The users of a hub: who sends a request to negotiate or to refresh."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func

from serverless_signalr._invocation import to_thread
from serverless_signalr.principal import Principal, insecure_user_id, is_deployed

__all__ = ["Authenticate", "SignalRUser", "authenticated", "platform_user"]


@dataclass(frozen=True, slots=True)
class SignalRUser:
    """The user of a connection, and the claims of its token, such as ``{"role": ["admin"]}``."""

    id: str | None
    claims: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


type _Found = SignalRUser | Principal | str | None

type Authenticate = Callable[[func.HttpRequest], _Found | Awaitable[_Found]]
"""A function that returns the sender of a request to negotiate or to refresh, or None for an anonymous one.

It can raise PermissionError to refuse the request. A text is a user id without claims. The roles of a
Principal become claims.
"""


def platform_user(request: func.HttpRequest) -> SignalRUser | None:
    """Return the identity verified by App Service Authentication, with its roles, or None without one.

    On a developer's machine, where nothing verifies identities, the identity is taken from the query:
    ``?user=ann&role=admin,author``. Raise PermissionError for identity headers that cannot be trusted.
    """
    try:
        principal = Principal.from_request(request)
    except ValueError as error:
        raise PermissionError(str(error)) from None
    if principal is not None:
        return _of_principal(principal)
    if is_deployed() or not (user_id := insecure_user_id(request)):
        return None
    roles = [role.strip() for role in request.params.get("role", "").split(",") if role.strip()]
    return SignalRUser(user_id, {"role": roles} if roles else {})


async def authenticated(authenticate: Authenticate, request: func.HttpRequest) -> SignalRUser:
    """Return the sender of a request, without an id if anonymous. Raise PermissionError if it is refused."""
    found: Any
    if inspect.iscoroutinefunction(authenticate) or authenticate is platform_user:
        found = authenticate(request)
    else:
        # A sync function may query a database, and must not block the event loop.
        found = await to_thread(authenticate, request)
    if inspect.isawaitable(found):
        found = await found
    match found:
        case SignalRUser():
            return found
        case Principal():
            return _of_principal(found)
        case str() | None:
            return SignalRUser(found)
        case _:
            raise TypeError(
                f"the user function of negotiate returned {type(found).__name__}, expected a SignalRUser, a "
                "Principal, a user id or None"
            )


def _of_principal(principal: Principal) -> SignalRUser:
    return SignalRUser(principal.id, {"role": principal.roles} if principal.roles else {})
