"""The HTTP functions with which clients negotiate, and refresh their authentication."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol

import azure.functions as func

from serverless_signalr._models.negotiation import SignalRConnectionInfo, SignalRRefreshInfo
from serverless_signalr._negotiation.users import Authenticate, SignalRUser, authenticated
from serverless_signalr.errors import ConnectionNotFoundError, RefreshNotSupportedError, UserMismatchError

__all__ = ["HasRoutes", "Negotiation", "refresh_route"]

_HEADER = "X-SignalR-Connection-Token"
_OLD_PARAMETER = "id"
_NEGOTIATE = "negotiate"
_REFRESH = "refresh"

_log = logging.getLogger("serverless_signalr")


type _Run = Callable[[func.HttpRequest, SignalRUser], Awaitable[func.HttpResponse]]


class HasRoutes(Protocol):
    """A function app or a blueprint, to which HTTP functions can be added."""

    @property
    def route(self) -> Callable[..., Callable[..., Any]]:
        """Return the decorator of HTTP functions."""


@dataclass(kw_only=True)
class Negotiation:
    """How the clients of one hub negotiate and refresh. Both functions identify the sender in the same way.

    ``connect`` returns the connection info for a ``user_id``, ``claims`` and ``close_on_expiry``. ``refresh``
    takes a connection token before them. Without ``refresh``, connections are not refreshed.
    """

    hub: str
    authenticate: Authenticate
    connect: Callable[..., Awaitable[SignalRConnectionInfo]]
    refresh: Callable[..., Awaitable[SignalRRefreshInfo]] | None
    anonymous: bool
    close_on_expiry: bool | None
    _is_refused: bool = False

    def add(self, app: HasRoutes, name: str, route: str) -> None:
        """Add the functions to an app or a blueprint. Raise ValueError if clients could not find one."""
        beside = "" if self.refresh is None else refresh_route(route)
        self._add(app, name, route, self._negotiate, "Return the connection info of a client")
        if beside:
            self._add(
                app,
                f"{name}_{_REFRESH}",
                beside,
                self._refresh,
                "Refresh the authentication of a client",
            )

    def _add(self, app: HasRoutes, name: str, route: str, run: _Run, does: str) -> None:
        async def function(req: func.HttpRequest) -> func.HttpResponse:
            try:
                user = await authenticated(self.authenticate, req)
                if not user.id and not self.anonymous:
                    return _answer(HTTPStatus.UNAUTHORIZED, "Sign in first.")
                return await run(req, user)
            except PermissionError as error:
                what = _REFRESH if run == self._refresh else _NEGOTIATE
                _log.warning("refused a %s request for the hub %s: %s", what, self.hub, error)
                return _answer(HTTPStatus.UNAUTHORIZED, "Sign in first.")

        function.__name__ = function.__qualname__ = name
        function.__doc__ = f"{does} of the hub {self.hub}."
        decorate = app.route(route=route, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
        decorate(function)

    @property
    def _is_offered(self) -> bool:
        return self.refresh is not None and not self._is_refused

    @property
    def _closes(self) -> bool:
        # Otherwise a client on a WebSocket would stay for ever after it was refused.
        return self._is_offered if self.close_on_expiry is None else self.close_on_expiry

    async def _negotiate(self, _: func.HttpRequest, user: SignalRUser) -> func.HttpResponse:
        info = await self.connect(user_id=user.id or None, claims=user.claims, close_on_expiry=self._closes)
        if not self._is_offered and info.token_lifetime_seconds is not None:
            # A client that is told of a lifetime would try to refresh.
            info = replace(info, token_lifetime_seconds=None)
        return info.to_response()

    async def _refresh(self, req: func.HttpRequest, user: SignalRUser) -> func.HttpResponse:
        from serverless_signalr._rest.authentication import check_connection_token

        assert self.refresh is not None  # noqa: S101 - there is no such function otherwise
        try:
            # Clients of the first drafts send it as id.
            token = check_connection_token(req.headers.get(_HEADER) or req.params.get(_OLD_PARAMETER, ""))
        except ValueError:
            return _answer(
                HTTPStatus.BAD_REQUEST,
                f"The header {_HEADER} is missing or invalid: send the connectionToken of the connection.",
            )
        try:
            answer = await self.refresh(
                token, user_id=user.id or None, claims=user.claims, close_on_expiry=self._closes
            )
        except UserMismatchError as error:
            _log.warning("refused to refresh a connection of the hub %s: %s", self.hub, error)
            return _answer(HTTPStatus.FORBIDDEN, "The connection belongs to another user.")
        except ConnectionNotFoundError:
            return _answer(HTTPStatus.NOT_FOUND, "There is no such connection.")
        except RefreshNotSupportedError as error:
            self._refused(error)
            return _answer(HTTPStatus.NOT_IMPLEMENTED, "The service does not refresh connections.")
        self._is_refused = False
        return answer.to_response()

    def _refused(self, error: Exception) -> None:
        if not self._is_refused:
            self._is_refused = True
            _log.warning(
                "connections of the hub %s cannot be refreshed: %s. New clients are not told to refresh%s",
                self.hub,
                error,
                "" if self._closes else ", and stay connected when their token expires",
            )


def refresh_route(route: str) -> str:
    """Return the route to which clients send what refreshes their authentication.

    It is beside that of negotiate, since clients append both to the URL that they are given. Raise ValueError
    if that of negotiate does not end as clients expect.
    """
    base, _, last = f"/{route.strip('/')}".rpartition("/")
    if last.lower() != _NEGOTIATE:
        raise ValueError(
            f"the route of negotiate is {route!r}, expected it to end in negotiate: clients append negotiate "
            "and refresh to the same URL"
        )
    return f"{base}/{_REFRESH}".lstrip("/")


def _answer(status: HTTPStatus, text: str) -> func.HttpResponse:
    return func.HttpResponse(text, status_code=status.value, headers={"Cache-Control": "no-store"})
