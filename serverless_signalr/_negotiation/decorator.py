"""The decorator of functions that say who negotiates."""

from abc import abstractmethod
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from azure.functions.decorators.function_app import FunctionBuilder

from serverless_signalr._functions.registry import FunctionRegistry
from serverless_signalr._functions.signature import name_of
from serverless_signalr.protocol.names import DEFAULT_CONNECTION, check_hub_name

if TYPE_CHECKING:
    from serverless_signalr._connection.router import Router
    from serverless_signalr._models.negotiation import SignalRConnectionInfo, SignalRRefreshInfo
    from serverless_signalr._negotiation.tokens import TokenOptions
    from serverless_signalr._negotiation.users import Authenticate

__all__ = ["NegotiateApi"]


class NegotiateApi(FunctionRegistry):
    """The decorator of a function app or a blueprint for its negotiate function."""

    _connection: str | None

    @abstractmethod
    def _hub_name(self, function: str, decorator: str, hub: str | None) -> str: ...

    def signalr_negotiate[F: "Authenticate"](
        self,
        route: str = "negotiate",
        *,
        hub: str | None = None,
        connection: str | None = None,
        anonymous: bool = False,
        lifetime: timedelta = timedelta(hours=1),
        close_on_expiry: bool | None = None,
        detailed_errors: bool = False,
        router: "Router | None" = None,
        refresh: bool = False,
    ) -> Callable[[F], F]:
        """Add the HTTP function with which clients negotiate, ``POST <route>``.

        The decorated function takes the request and returns its sender, as ``user`` of
        ``ServerlessHub.add_negotiate`` does, with which the other parameters are shared. It can be sync or
        async, returns a SignalRUser, a Principal, a user id, or None for an anonymous client, and can raise
        PermissionError. ``platform_user`` returns the identity verified by App Service Authentication. With
        ``refresh`` (preview), the same function identifies who refreshes a connection, see docs/refresh.md.

        In contrast to ``signalr_connection_info_input``, the app signs the token, with claims and a lifetime.
        """
        if not isinstance(route, str):
            raise TypeError("write @….signalr_negotiate(), with parentheses: its first argument is the route")

        def decorate(user: F) -> F:
            if isinstance(user, FunctionBuilder) or not callable(user):
                raise TypeError(
                    "signalr_negotiate takes the function that says who negotiates, without other "
                    "decorators: it adds the HTTP functions itself"
                )
            from serverless_signalr._negotiation.functions import Negotiation

            name = name_of(user)
            options: dict[str, Any] = {"lifetime": lifetime, "detailed_errors": detailed_errors}
            if router is not None:
                options["router"] = router
            source = _Source(
                check_hub_name(self._hub_name(name, "signalr_negotiate", hub)),
                connection or self._connection or DEFAULT_CONNECTION,
            )
            negotiation = Negotiation(
                hub=source.hub,
                authenticate=user,
                connect=partial(source.negotiate, **options),
                refresh=partial(source.refresh, **options) if refresh else None,
                anonymous=anonymous,
                close_on_expiry=close_on_expiry,
            )
            app: Any = self
            negotiation.add(app, name, route)
            return user

        return decorate


class _Source:
    """The tokens of one hub, of the connection that a setting names when the first client comes."""

    def __init__(self, hub: str, setting: str) -> None:
        self.hub = hub
        self._setting = setting

    async def negotiate(
        self, user_id: str | None, claims: Any, **options: "Unpack[TokenOptions]"
    ) -> "SignalRConnectionInfo":
        from serverless_signalr._negotiation.tokens import connection_info
        from serverless_signalr.connection import service_connection

        return await connection_info(service_connection(self._setting), self.hub, user_id, claims, options)

    async def refresh(
        self, connection_token: str, user_id: str | None, claims: Any, **options: "Unpack[TokenOptions]"
    ) -> "SignalRRefreshInfo":
        from serverless_signalr._negotiation.tokens import refresh_info
        from serverless_signalr.connection import service_connection

        info = await self.negotiate(user_id, claims, **options)
        connection = service_connection(self._setting)
        return await refresh_info(connection.client(self.hub), connection, self.hub, connection_token, info)
