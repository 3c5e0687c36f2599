"""Clients as objects: a method of the client's interface, called here, runs there."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from serverless_signalr.protocol.names import to_camel_case
from serverless_signalr.protocol.values import convert

__all__ = ["AnyClient", "ClientInterface", "target"]

_TARGET = "_signalr_target"
_ONE_CLIENT = "{} returns a result, which one client can give: call it on clients.client(…)"

type Send = Callable[[str, Sequence[object]], Awaitable[Any]]
"""Invoke a target with arguments on whichever clients a proxy stands for."""


class AnyClient(Protocol):
    """Be the client of a hub that declares no interface: targets are texts, arguments are not checked."""

    async def send(self, target: str, *arguments: object) -> None:
        """Invoke ``target`` on the clients. It is done when the service accepted, not when they received."""

    async def ask(self, target: str, *arguments: object) -> Any:
        """Invoke ``target`` on a single connection and return what the client answers."""


def target[F: Callable[..., Any]](name: str) -> Callable[[F], F]:
    """Name what a method of a client interface invokes, where it is not the method's name in camelCase."""
    if not name:
        raise ValueError("the target of a client method must not be empty")

    def named(function: F) -> F:
        setattr(function, _TARGET, name)
        return function

    return named


@dataclass(frozen=True, slots=True)
class _Method:
    name: str
    target: str
    signature: inspect.Signature
    returns: Any

    def arguments(self, args: tuple[object, ...], kwargs: dict[str, object]) -> list[object]:
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}{self.signature}: {error}") from None
        bound.apply_defaults()
        return [*bound.args, *bound.kwargs.values()]


class ClientInterface[T]:
    """Make proxies for the clients that an interface, a Protocol, describes.

    Each of its methods is a coroutine function; it sends its arguments, by position, to the target of its
    name in camelCase, or the one that ``target`` gives it. One that returns something is answered by the
    client, which only a single connection can do. Raise TypeError for an interface that cannot be sent.
    """

    def __init__(self, interface: type) -> None:
        self._is_any = interface is AnyClient
        self._name = interface.__name__
        self._methods = {} if self._is_any else dict(_methods(interface))

    def proxy(self, send: Send, invoke: Send | None = None) -> T:
        """Return the clients that ``send`` reaches; ``invoke`` asks a single one for a result."""
        return typing.cast("T", _AnyProxy(send, invoke) if self._is_any else _Proxy(self, send, invoke))

    def method(self, name: str) -> _Method:
        """Return a method, or raise AttributeError that lists those there are."""
        try:
            return self._methods[name]
        except KeyError:
            known = ", ".join(self._methods) or "none"
            raise AttributeError(f"{self._name} has no method {name}; it has {known}") from None


class _AnyProxy:
    __slots__ = ("_invoke", "_send")

    def __init__(self, send: Send, invoke: Send | None) -> None:
        self._send = send
        self._invoke = invoke

    async def send(self, target: str, *arguments: object) -> None:
        await self._send(target, arguments)

    async def ask(self, target: str, *arguments: object) -> Any:
        if self._invoke is None:
            raise TypeError(_ONE_CLIENT.format(target))
        return await self._invoke(target, arguments)


class _Proxy:
    __slots__ = ("_interface", "_invoke", "_send")

    def __init__(self, interface: ClientInterface[Any], send: Send, invoke: Send | None) -> None:
        self._interface = interface
        self._send = send
        self._invoke = invoke

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = self._interface.method(name)

        async def call(*args: object, **kwargs: object) -> Any:
            arguments = method.arguments(args, kwargs)
            if method.returns is None:
                await self._send(method.target, arguments)
                return None
            if self._invoke is None:
                raise TypeError(_ONE_CLIENT.format(name))
            return _result(method, await self._invoke(method.target, arguments))

        return call


def _result(method: _Method, value: object) -> object:
    try:
        return convert(value, method.returns)
    except ValueError as error:
        raise ValueError(f"the client answered {method.target} with a wrong value: {error}") from None


def _methods(interface: type) -> Iterator[tuple[str, _Method]]:
    for name in dir(interface):
        function = inspect.getattr_static(interface, name)
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{interface.__name__}.{name} must be async: calling a client takes time")
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters.values())[1:]
        returns = hints.get("return")
        yield (
            name,
            _Method(
                name,
                getattr(function, _TARGET, to_camel_case(name)),
                inspect.Signature(parameters),
                None if returns is type(None) else returns,
            ),
        )
