"""The class-based model, in which a class is a hub and its methods handle the events."""

import inspect
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Unpack

from serverless_signalr._connection.router import Router, any_online
from serverless_signalr._hub.clients import AnyClient, ClientInterface, Clients
from serverless_signalr._hub.generics import client_interface
from serverless_signalr._hub.methods import Filter, HubMethod, hub_methods
from serverless_signalr._models.negotiation import SignalRConnectionInfo, SignalRRefreshInfo
from serverless_signalr.bindings import Blueprint
from serverless_signalr.protocol.names import DEFAULT_CONNECTION, check_hub_name

if TYPE_CHECKING:
    from azure.functions.decorators.function_app import FunctionBuilder

    from serverless_signalr._hub.managers import ClientManager, Groups, UserGroups
    from serverless_signalr._negotiation.tokens import TokenOptions
    from serverless_signalr._negotiation.users import Authenticate
    from serverless_signalr.connection import ServiceConnection
    from serverless_signalr.rest import ServiceClient

if TYPE_CHECKING:
    # Python 3.12 has no defaults of type parameters; type checkers know them there as well.
    from typing_extensions import TypeVar

    T = TypeVar("T", default=AnyClient)
else:
    T = typing.TypeVar("T")

__all__ = ["ServerlessHub"]

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")


class ServerlessHub(Generic[T]):  # noqa: UP046 - a default needs the old form, see above
    """A hub whose public methods handle its events, and whose members send to its clients.

    The methods ``connected`` and ``disconnected`` handle the events of a connection. Clients can call every
    other public method of a hub class, under its name in camelCase, see ``event`` and ``not_an_event``.
    Methods of mixins are exposed only with ``event``. A parameter annotated SignalRInvocationContext receives
    the invocation; all others receive the arguments of the call, converted to their annotations. The return
    value is the result of the client's ``invoke``. ``requires`` restricts who may call.

    ``T`` is the interface of the clients, a Protocol, see ClientInterface. ``hub`` is the name of the hub, by
    default the class name in lower case. ``connection`` is the app setting, or the prefix of the settings,
    that describes its connection::

        class Chat(ServerlessHub[ChatClient], hub="chat", connection="MySignalR"): ...

    A subclass is the same hub unless it names another. A class without a hub name whose class name begins
    with an underscore is a base class for hubs.

    With ``upstream_route``, one HTTP function with that route receives the events instead of SignalR
    triggers. It needs no system key and no ``/runtime/webhooks``. Set the upstream URL of the service to the
    URL of this function.
    """

    hub_name: ClassVar[str]
    connection_setting: ClassVar[str] = DEFAULT_CONNECTION
    filters: ClassVar[Sequence[Filter]] = ()
    """The filters around every event, outermost first."""

    _upstream_route: str | None = None
    _listen_again: Callable[[], None] | None = None
    _is_named: ClassVar[bool] = False
    _methods: Sequence[HubMethod] = ()
    _interface: ClassVar[ClientInterface[Any]] = ClientInterface(AnyClient)

    def __init_subclass__(cls, *, hub: str | None = None, connection: str | None = None, **rest: Any) -> None:
        try:
            super().__init_subclass__(**rest)
        except TypeError as error:
            if not rest:
                raise
            raise TypeError(
                f"the class {cls.__name__} has the keyword {', '.join(rest)}, but a hub class takes hub and "
                f"connection; upstream_route belongs to the instance: {cls.__name__}(upstream_route=…)"
            ) from error
        if hub is not None:
            cls.hub_name = check_hub_name(hub)
            cls._is_named = True
        elif not cls._is_named and not cls.__name__.startswith("_"):
            cls.hub_name = check_hub_name(cls.__name__.lower())
        if connection is not None:
            cls.connection_setting = connection
        if isinstance(getattr(cls, "filter", None), list | tuple):
            raise TypeError(f"{cls.__name__}.filter would filter nothing: the attribute is called filters")
        cls._methods = tuple(hub_methods(cls, ServerlessHub))
        cls._interface = ClientInterface(client_interface(cls, ServerlessHub))

    def __init__(self, *, upstream_route: str | None = None) -> None:
        if not hasattr(self, "hub_name"):
            raise TypeError(
                f"{type(self).__name__} is a base class for hubs: derive a hub from it, or name its hub with "
                f"class {type(self).__name__}(ServerlessHub, hub=…)"
            )
        self._upstream_route = upstream_route

    @property
    def blueprint(self) -> Blueprint:
        """Return the blueprint with the hub's functions. Add HTTP functions to it before registering it.

        The functions are named ``<hub>_<method>``. With an upstream route there is a single one,
        ``<hub>_upstream``.
        """
        return self._blueprint

    @cached_property
    def _blueprint(self) -> Blueprint:
        hub = type(self)
        if "_methods" not in vars(hub):
            raise TypeError(
                f"{hub.__name__} has no events, because its own __init_subclass__ does not call "
                "super().__init_subclass__(**keywords): call it"
            )
        if any(inspect.getattr_static(hub, method.name) is not method.function for method in hub._methods):
            # A class decorator, or other code, has replaced methods since the class was created.
            hub._methods = tuple(hub_methods(hub, ServerlessHub))
        blueprint = Blueprint(hub=self.hub_name, connection=self.connection_setting)
        if self._upstream_route is not None:
            from serverless_signalr._hub.http_upstream import add_upstream

            name = self._function_name("upstream")
            self._listen_again = add_upstream(blueprint, self, name, self._upstream_route)
        else:
            for method in self._methods:
                self._add_trigger(blueprint, method)
        return blueprint

    @property
    def _function_builders(self) -> "list[FunctionBuilder]":
        # register_functions of azure.functions reads this attribute.
        self.blueprint._is_registered = True
        return self.blueprint._function_builders

    def add_negotiate(
        self,
        route: str = "negotiate",
        *,
        user: "Authenticate | None" = None,
        anonymous: bool = False,
        lifetime: timedelta = timedelta(hours=1),
        close_on_expiry: bool | None = None,
        detailed_errors: bool = False,
        router: Router = any_online,
        refresh: bool = False,
    ) -> None:
        """Add the HTTP function with which clients negotiate, ``POST <route>``.

        ``user`` is a sync or async function that takes the request and returns its sender: a SignalRUser, a
        Principal, a user id, or None for an anonymous one. It can raise PermissionError to refuse the
        request. Without ``user``, the sender is the identity verified by App Service Authentication, with its
        roles in the claim ``role``. On a developer's machine, it can be given as ``?user=ann&role=admin``.
        Anonymous requests get a 401 unless ``anonymous`` is true. The other options are those of
        ``negotiate``.

        With ``refresh`` (preview), clients can refresh their authentication: ``POST …/refresh`` beside
        negotiate identifies the sender again, and replaces the claims and the expiry of its connection. A
        client that does not refresh, or is refused, is disconnected when its token expires, unless
        ``close_on_expiry`` is False. See docs/refresh.md. Raise ValueError if the route does not end in
        negotiate.
        """
        from serverless_signalr._negotiation.functions import Negotiation
        from serverless_signalr._negotiation.users import platform_user

        options: dict[str, Any] = {
            "lifetime": lifetime,
            "detailed_errors": detailed_errors,
            "router": router,
        }
        negotiation = Negotiation(
            hub=self.hub_name,
            authenticate=platform_user if user is None else user,
            connect=partial(self.negotiate, **options),
            refresh=partial(self.refresh_authentication, **options) if refresh else None,
            anonymous=anonymous,
            close_on_expiry=close_on_expiry,
        )
        negotiation.add(self.blueprint, self._function_name("negotiate"), route)

    @cached_property
    def clients(self) -> Clients[T]:
        """Return the clients of the hub, to send to all or some of them."""
        return Clients(self.service, self._interface)

    @cached_property
    def groups(self) -> "Groups":
        """Return the manager of the groups of client connections."""
        from serverless_signalr._hub.managers import Groups

        return Groups(self.service)

    @cached_property
    def user_groups(self) -> "UserGroups":
        """Return the manager of the groups of users."""
        from serverless_signalr._hub.managers import UserGroups

        return UserGroups(self.service)

    @cached_property
    def client_manager(self) -> "ClientManager":
        """Return the manager that checks, lists and closes client connections, and streams to them."""
        from serverless_signalr._hub.managers import ClientManager

        return ClientManager(self.service)

    @cached_property
    def service(self) -> "ServiceClient":
        """Return the REST client of the hub, which the other members use."""
        return self._service_connection.client(self.hub_name)

    async def negotiate(
        self,
        *,
        user_id: str | None = None,
        claims: Mapping[str, str | Sequence[str]] | None = None,
        lifetime: timedelta = timedelta(hours=1),
        close_on_expiry: bool = False,
        detailed_errors: bool = False,
        router: Router = any_online,
    ) -> SignalRConnectionInfo:
        """Return the connection info for one client, the response of a negotiate function.

        The hub's methods trust the user id and the claims: take them from a verified identity, see
        ``Principal.from_request``. With ``close_on_expiry`` the connection is closed when the token expires,
        and the client may negotiate again. Among several instances of the service the router chooses. Raise
        ValueError for claims that could pose as others, and for a token over 4,096 characters. See
        ``add_negotiate`` for a complete negotiate function.
        """
        from serverless_signalr._negotiation.tokens import TokenOptions, connection_info

        options = TokenOptions(
            lifetime=lifetime, close_on_expiry=close_on_expiry, detailed_errors=detailed_errors, router=router
        )
        return await connection_info(self._service_connection, self.hub_name, user_id, claims, options)

    async def refresh_authentication(
        self,
        connection_token: str,
        *,
        user_id: str | None = None,
        claims: Mapping[str, str | Sequence[str]] | None = None,
        **options: "Unpack[TokenOptions]",
    ) -> SignalRRefreshInfo:
        """Give an open connection a new token, the response of a refresh function (preview).

        The connection gets the token that ``negotiate`` returns for the same arguments, with its user, claims
        and lifetime. ``options`` are the other options of ``negotiate``. See ``add_negotiate`` for a complete
        refresh function. Raise the errors of ``ServiceClient.refresh_authentication``.
        """
        from serverless_signalr._negotiation.tokens import refresh_info

        info = await self.negotiate(user_id=user_id, claims=claims, **options)
        return await refresh_info(
            self.service, self._service_connection, self.hub_name, connection_token, info
        )

    @cached_property
    def _service_connection(self) -> "ServiceConnection":
        from serverless_signalr.connection import service_connection

        return service_connection(self.connection_setting)

    def _add_methods(self, methods: Sequence[HubMethod]) -> None:
        """Add events that are not methods of the class. Raise TypeError for one that the hub already has."""
        blueprint = self.blueprint
        known = {method.event.lower() for method in self._methods}
        for method in methods:
            if method.event.lower() in known:
                raise TypeError(f"{type(self).__name__} already has the event {method.event}")
        self._methods = (*self._methods, *methods)
        if self._listen_again is not None:
            self._listen_again()
        else:
            for method in methods:
                self._add_trigger(blueprint, method)

    def _add_trigger(self, blueprint: Blueprint, method: HubMethod) -> None:
        trigger = method.trigger(self)
        trigger.__name__ = trigger.__qualname__ = self._function_name(method.name)
        decorate = blueprint.signalr_trigger(event=method.event, category=method.category)
        decorate(trigger)

    def _function_name(self, name: str) -> str:
        return _NOT_IN_A_NAME.sub("_", f"{self.hub_name}_{name}")
