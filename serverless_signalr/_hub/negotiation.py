"""The negotiate function of a hub: who connects, and the answer that lets them."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import azure.functions as func

from serverless_signalr._invocation import to_thread
from serverless_signalr.bindings import Blueprint
from serverless_signalr.models import SignalRConnectionInfo
from serverless_signalr.principal import Principal, insecure_user_id, is_deployed

__all__ = ["Authenticate", "SignalRUser", "add_negotiate", "authenticated", "platform_user"]

_log = logging.getLogger("serverless_signalr")


@dataclass(frozen=True, slots=True)
class SignalRUser:
    """Who a connection belongs to, and the claims that its token carries, such as ``{"role": ["admin"]}``."""

    id: str | None
    claims: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


type _Found = SignalRUser | Principal | str | None

type Authenticate = Callable[[func.HttpRequest], _Found | Awaitable[_Found]]
"""Returns who sends a negotiate request, None for nobody; raises PermissionError to refuse the request.

A text is the user id alone; of a Principal the roles become claims.
"""

type Connect = Callable[..., Awaitable[SignalRConnectionInfo]]
"""Returns what a client connects with, given ``user_id`` and ``claims``."""


def platform_user(request: func.HttpRequest) -> SignalRUser | None:
    """Return the identity that App Service Authentication verified, with its roles; None for nobody.

    On a developer's machine, where nothing verifies identities, ``?user=ann&role=admin,author`` in the
    request's URL says who it is. Raise PermissionError for identity headers that must not be believed.
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


def add_negotiate(
    blueprint: Blueprint,
    hub_name: str,
    name: str,
    route: str,
    authenticate: Authenticate,
    connect: Connect,
    *,
    anonymous: bool,
) -> None:
    """Add the HTTP function that clients negotiate with."""

    async def negotiate(req: func.HttpRequest) -> func.HttpResponse:
        try:
            user = await authenticated(authenticate, req)
        except PermissionError as error:
            _log.warning("a negotiate request for the hub %s was refused: %s", hub_name, error)
            return _refused()
        if not user.id and not anonymous:
            return _refused()
        info = await connect(user_id=user.id or None, claims=user.claims)
        return info.to_response()

    negotiate.__name__ = negotiate.__qualname__ = name
    negotiate.__doc__ = f"Answer with what a client connects to the hub {hub_name} with."
    decorate = blueprint.route(route=route, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    decorate(negotiate)


async def authenticated(authenticate: Authenticate, request: func.HttpRequest) -> SignalRUser:
    """Return who sends a request, with no id for nobody. Raise PermissionError where it is refused."""
    found: Any
    if inspect.iscoroutinefunction(authenticate) or authenticate is platform_user:
        found = authenticate(request)
    else:
        # It may ask a database who that is, and must not keep others waiting.
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
                f"the function that says who negotiates returned {type(found).__name__}, expected a "
                "SignalRUser, a Principal, a user id or None"
            )


def _of_principal(principal: Principal) -> SignalRUser:
    return SignalRUser(principal.id, {"role": principal.roles} if principal.roles else {})


def _refused() -> func.HttpResponse:
    return func.HttpResponse(
        "Sign in first.", status_code=HTTPStatus.UNAUTHORIZED.value, headers={"Cache-Control": "no-store"}
    )
