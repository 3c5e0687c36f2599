"""The methods of a hub class: which events they are, and how a call runs them."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from serverless_signalr._functions.arguments import Arguments
from serverless_signalr._hub import authorization
from serverless_signalr._invocation import to_thread
from serverless_signalr.models import SignalRInvocationContext
from serverless_signalr.protocol.names import to_camel_case
from serverless_signalr.protocol.upstream import CONNECTED, DISCONNECTED, Category

__all__ = ["Call", "Filter", "HubMethod", "event", "hub_methods", "not_an_event"]

_EVENT = "_signalr_event"

type Call = Callable[[], Awaitable[object]]
"""Run what comes after a filter, and return its result."""

type Filter = Callable[[SignalRInvocationContext, Call], Awaitable[object]]
"""Surround every event of a hub: look at it, call on or refuse, look at the result or replace it."""


def event[F: Callable[..., Any]](name: str) -> Callable[[F], F]:
    """Name the event of a hub method, where it is not the method's name in camelCase."""
    if not name:
        raise ValueError("the event of a hub method must not be empty")

    def named(function: F) -> F:
        setattr(function, _EVENT, name)
        return function

    return named


def not_an_event[F: Callable[..., Any]](function: F) -> F:
    """Keep clients from calling a public method of a hub class."""
    setattr(function, _EVENT, None)
    return function


@dataclass(frozen=True, slots=True)
class HubMethod:
    """Run one method of a hub for one event."""

    name: str
    event: str
    category: Category
    function: Callable[..., Any]
    arguments: Arguments | None
    invocation_name: str | None
    requirements: Sequence[authorization.Requirement]

    @classmethod
    def of(cls, name: str, function: Callable[..., Any]) -> "HubMethod":
        """Look at a method of a hub class. Raise TypeError for parameters that no event can fill."""
        shown = getattr(function, _EVENT, to_camel_case(name))
        category = Category.CONNECTIONS if shown in (CONNECTED, DISCONNECTED) else Category.MESSAGES
        annotations = typing.get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters.values())[1:]
        invocation = [
            item.name for item in parameters if annotations.get(item.name) is SignalRInvocationContext
        ]
        free = [item for item in parameters if item.name not in invocation]
        if len(invocation) > 1:
            raise TypeError(f"{function.__qualname__} takes the invocation twice: {', '.join(invocation)}")
        arguments = None
        if category is Category.MESSAGES:
            try:
                arguments = Arguments(shown, free, annotations)
            except TypeError as error:
                raise TypeError(f"{function.__qualname__}: {error}") from None
        elif free:
            raise TypeError(
                f"{function.__qualname__} takes {free[0].name}, but {shown} comes with no arguments: "
                "its one parameter is a SignalRInvocationContext"
            )
        return cls(
            name,
            shown,
            category,
            function,
            arguments,
            invocation[0] if invocation else None,
            authorization.requirements(function),
        )

    async def run(
        self, hub: object, invocation: SignalRInvocationContext, filters: Sequence[Filter]
    ) -> object:
        """Run the method through the filters, the first outermost, and return its result.

        Raise HubException for a call that is not allowed or does not fit. A method that is no coroutine
        function runs in a thread.
        """

        async def run() -> object:
            authorization.check(self.event, self.requirements, invocation)
            return await self._call(hub, invocation)

        call: Call = run
        for surrounding in reversed(filters):
            call = _surrounded(surrounding, invocation, call)
        return await call()

    async def _call(self, hub: object, invocation: SignalRInvocationContext) -> object:
        named: dict[str, object] = {}
        rest: list[object] = []
        if self.arguments is not None:
            named, rest = self.arguments.bind(invocation.arguments)
        if self.invocation_name is not None:
            named[self.invocation_name] = invocation
        bound = self._bound(hub, named, rest)
        if inspect.iscoroutinefunction(self.function):
            return await self.function(*bound.args, **bound.kwargs)
        result = await to_thread(self.function, *bound.args, **bound.kwargs)
        # A decorator that is no coroutine function may have one behind it.
        return await result if inspect.isawaitable(result) else result

    def _bound(self, hub: object, named: dict[str, object], rest: list[object]) -> inspect.BoundArguments:
        signature = inspect.signature(self.function)
        bound = signature.bind_partial(hub)
        for name, parameter in signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                bound.arguments[name] = tuple(rest)
            elif name in named:
                bound.arguments[name] = named[name]
        # Without them BoundArguments hands what follows a default on by name, ``*args`` too.
        bound.apply_defaults()
        return bound


def _surrounded(surrounding: Filter, invocation: SignalRInvocationContext, call: Call) -> Call:
    async def surrounded() -> object:
        return await surrounding(invocation, call)

    return surrounded


def hub_methods(hub: type, base: type) -> Iterator[HubMethod]:
    """Yield the public methods that a class adds to ``base``: each is an event.

    Raise TypeError for one that hides a member of ``base``, and for two with the same event.
    """
    seen: dict[str, str] = {}
    for name in dir(hub):
        function = inspect.getattr_static(hub, name)
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        if function is inspect.getattr_static(base, name, None) or getattr(function, _EVENT, name) is None:
            continue
        if hasattr(base, name):
            raise TypeError(
                f"{hub.__name__}.{name} hides ServerlessHub.{name}: give it another name, "
                f'and @event("{to_camel_case(name)}") for its event'
            )
        method = HubMethod.of(name, function)
        other = seen.setdefault(method.event.lower(), name)
        if other != name:
            raise TypeError(f"{hub.__name__}.{other} and {name} both are the event {method.event}")
        yield method
