"""The clients of a hub, as proxies whose methods invoke the methods of clients."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from serverless_signalr._rest import addressees as to
from serverless_signalr._rest.addressees import Addressee, Addressees
from serverless_signalr.protocol.names import to_camel_case
from serverless_signalr.protocol.values import convert

__all__ = [
    "AnyClient",
    "ClientInterface",
    "Clients",
    "Service",
    "addressed_user",
    "is_any_client",
    "target",
    "target_of",
]

_TARGET = "_signalr_target"
_ONE_CLIENT = "{} returns a result, which only a single client can do: call it on clients.client(…)"


class Service(Protocol):
    """The service that carries out the calls on proxies, such as a ServiceClient."""

    async def send(self, addressee: Addressee | Addressees, target: str, *arguments: object) -> None:
        """Invoke a target on the connections of an addressee."""

    async def ask(self, addressee: Addressee, target: str, *arguments: object) -> Any:
        """Invoke a target on one connection and return the result of its client."""


class AnyClient(Protocol):
    """The client interface of a hub that declares none. Targets are texts, and arguments are not checked."""

    async def send(self, target: str, *arguments: object) -> None:
        """Invoke ``target`` on the clients. Return when the service has accepted the call."""

    async def ask(self, target: str, *arguments: object) -> Any:
        """Invoke ``target`` on a single connection and return the result of its client."""


def target[F: Callable[..., Any]](name: str) -> Callable[[F], F]:
    """Set the target of a client interface's method, if it is not the method's name in camelCase."""
    if not name:
        raise ValueError("the target of a client method must not be empty")

    def named(function: F) -> F:
        setattr(function, _TARGET, name)
        return function

    return named


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class _Method:
    name: str
    target: str
    signature: inspect.Signature
    returns: Any

    positional: int | None

    def arguments(self, args: tuple[object, ...], kwargs: dict[str, object]) -> Sequence[object]:
        if not kwargs and len(args) == self.positional:
            return args
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}{self.signature}: {error}") from None
        bound.apply_defaults()
        return [*bound.args, *bound.kwargs.values()]

    def result(self, value: object) -> object:
        try:
            return convert(value, self.returns)
        except ValueError as error:
            raise ValueError(f"the client returned an invalid result of {self.target}: {error}") from None


def target_of(
    function: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]
) -> tuple[str, Sequence[object]]:
    """Return the target and the arguments that a call of a client interface's method sends.

    Raise TypeError for arguments that do not match the method.
    """
    if not inspect.isfunction(function):
        raise TypeError(f"{function!r} is not a method of a client interface, such as ChatClient.new_message")
    method = _method(function.__name__, function)
    return method.target, method.arguments(args, kwargs)


class ClientInterface[T]:
    """The factory of client proxies for an interface, which is a Protocol.

    Each method of the interface is a coroutine function. It sends its arguments, by position, to the target
    with its name in camelCase, or with the name that ``target`` sets. A method with a return type waits for
    the client's result, which only a single connection can give. Raise TypeError for a method that cannot be
    called on clients, such as one that is not async, or has ``**kwargs``.
    """

    def __init__(self, interface: type) -> None:
        self._class: type[_Proxy] = _AnyProxy if interface is AnyClient else _proxy_class(interface)

    def proxy(self, service: Service, addressee: Addressee | Addressees, *, can_answer: bool = False) -> T:
        """Return a proxy for the addressed clients. ``can_answer`` allows methods that return results."""
        return typing.cast("T", self._class(service, addressee, can_answer))


class Clients[T]:
    """The clients of a hub. Selections of them have the methods of the hub's client interface."""

    def __init__(self, service: Service, interface: ClientInterface[T]) -> None:
        self._service = service
        self._proxy = interface.proxy

    @property
    def all(self) -> T:
        """Return every client of the hub."""
        return self._proxy(self._service, to.EVERYBODY)

    def all_except(self, connection_ids: Sequence[str]) -> T:
        """Return every client except the given connections."""
        return self._proxy(self._service, to.everybody(connection_ids))

    def client(self, connection_id: str) -> T:
        """Return one connection. Only a single connection can return results."""
        return self._proxy(self._service, to.connection(connection_id), can_answer=True)

    def clients(self, connection_ids: Sequence[str]) -> T:
        """Return several connections. A call sends one request per connection."""
        return self._proxy(self._service, to.connections(connection_ids))

    def group(self, group_name: str) -> T:
        """Return the members of a group."""
        return self._proxy(self._service, to.group(group_name))

    def group_except(self, group_name: str, connection_ids: Sequence[str]) -> T:
        """Return the members of a group except the given connections."""
        return self._proxy(self._service, to.group(group_name, connection_ids))

    def groups(self, group_names: Sequence[str]) -> T:
        """Return the members of several groups. A call sends one request per group.

        A connection that is in two of the groups receives the call twice.
        """
        return self._proxy(self._service, to.groups(group_names))

    def user(self, user_id: str) -> T:
        """Return every connection of a user."""
        return self._proxy(self._service, to.user(user_id))

    def users(self, user_ids: Sequence[str]) -> T:
        """Return every connection of several users. A call sends one request per user."""
        return self._proxy(self._service, to.users(user_ids))


class _Proxy:
    __slots__ = ("_addressee", "_can_answer", "_service")

    def __init__(self, service: Service, addressee: Addressee | Addressees, can_answer: bool) -> None:
        self._service = service
        self._addressee = addressee
        self._can_answer = can_answer

    async def _ask(self, name: str, target: str, arguments: Sequence[object]) -> Any:
        if not self._can_answer or isinstance(self._addressee, Addressees):
            raise TypeError(_ONE_CLIENT.format(name))
        return await self._service.ask(self._addressee, target, *arguments)


class _AnyProxy(_Proxy):
    __slots__ = ()

    async def send(self, target: str, *arguments: object) -> None:
        await self._service.send(self._addressee, target, *arguments)

    async def ask(self, target: str, *arguments: object) -> Any:
        return await self._ask(target, target, arguments)


def is_any_client(clients: object) -> bool:
    """Tell whether clients are those of a hub that declares no interface."""
    return isinstance(clients, _AnyProxy)


def addressed_user(clients: object) -> str | None:
    """Return the user of ``clients.user(…)``, or None for any other clients."""
    if not isinstance(clients, _Proxy) or isinstance(clients._addressee, Addressees):
        return None
    kind, _, name = clients._addressee.path.lstrip("/").partition("/")
    return unquote(name) if kind == "users" and name and "/" not in name else None


def _proxy_class(interface: type) -> type[_Proxy]:
    methods = dict(_methods(interface))
    known = ", ".join(methods) or "none"

    def missing(_: _Proxy, name: str) -> Any:
        raise AttributeError(f"{interface.__name__} has no method {name}; it has {known}")

    members: dict[str, Any] = {name: _call(method) for name, method in methods.items()}
    return type(interface.__name__, (_Proxy,), {"__slots__": (), "__getattr__": missing, **members})


def _call(method: _Method) -> Callable[..., Awaitable[Any]]:
    """Return the proxy method for a method that sends, or one that returns a result."""

    async def send(self: _Proxy, *args: object, **kwargs: object) -> None:
        await self._service.send(self._addressee, method.target, *method.arguments(args, kwargs))

    async def ask(self: _Proxy, *args: object, **kwargs: object) -> object:
        arguments = method.arguments(args, kwargs)
        return method.result(await self._ask(method.name, method.target, arguments))

    call = send if method.returns is None else ask
    call.__name__ = call.__qualname__ = method.name
    return call


def _methods(interface: type) -> Iterator[tuple[str, _Method]]:
    for name in dir(interface):
        function = inspect.getattr_static(interface, name)
        if name.startswith("_"):
            continue
        shown = f"{interface.__name__}.{name}"
        if isinstance(function, staticmethod | classmethod):
            raise TypeError(f"{shown} must be a plain method with self, because it is called on clients")
        if not inspect.isfunction(function):
            continue
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{shown} must be a coroutine function: use async def without yield")
        try:
            yield name, _method(name, function)
        except (NameError, TypeError) as error:
            raise TypeError(f"{shown} cannot be called on clients: {error}") from None


def _method(name: str, function: Any) -> _Method:
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            raise TypeError(f"arguments are sent by position, and those of **{parameter.name} have none")
    returns = hints.get("return")
    return _Method(
        name,
        getattr(function, _TARGET, to_camel_case(name)),
        inspect.Signature(parameters),
        None if returns is type(None) else returns,
        len(parameters) if all(each.kind in _BY_POSITION for each in parameters) else None,
    )
