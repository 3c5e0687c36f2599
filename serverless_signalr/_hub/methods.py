"""The methods of a hub class, ready to be called for their events."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from serverless_signalr._functions import authorization
from serverless_signalr._functions.arguments import Arguments, arrange, invocation_parameter
from serverless_signalr._functions.event_names import category_of
from serverless_signalr._functions.signature import Signature
from serverless_signalr._hub.events import HubEvent, hub_events
from serverless_signalr._hub.generics import replaced
from serverless_signalr._invocation import to_thread
from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr.protocol.upstream import Category

__all__ = ["Call", "Filter", "HubMethod", "hub_methods"]

type Call = Callable[[], Awaitable[object]]
"""A function that runs the next filter or the method, and returns its result."""

type Filter = Callable[[SignalRInvocationContext, Call], Awaitable[object]]
"""A function around every event of a hub. It can refuse the event, or run it and replace the result."""


@dataclass(frozen=True, slots=True)
class HubMethod:
    """A method of a hub, ready to run for its event."""

    name: str
    event: str
    category: Category
    function: Callable[..., Any]
    requirements: Sequence[authorization.Requirement]
    lifted: frozenset[authorization.Guard]
    _signature: Signature
    _arguments: Arguments | None
    _invocation: str | None

    @classmethod
    def of(cls, found: HubEvent) -> "HubMethod":
        """Prepare the method of an event. Raise TypeError for parameters that the event cannot fill."""
        shown = found.function.__qualname__
        category = category_of(found.event)
        signature = Signature(found.function, shown, bound=True)
        annotations = {
            name: replaced(annotation, found.type_arguments)
            for name, annotation in signature.annotations.items()
        }
        invocation = invocation_parameter(signature.parameters, annotations, shown)
        free = [item for item in signature.parameters if item.name != invocation]
        arguments = None
        if category is Category.MESSAGES:
            try:
                arguments = Arguments(found.event, free, annotations)
            except TypeError as error:
                raise TypeError(f"{shown}: {error}") from None
        elif free:
            raise TypeError(
                f"{shown} has the parameter {free[0].name}, but {found.event} has no arguments: "
                "it may have one parameter, annotated SignalRInvocationContext"
            )
        return cls(
            found.name,
            found.event,
            category,
            found.function,
            found.requirements,
            found.lifted,
            signature,
            arguments,
            invocation,
        )

    async def run(
        self, hub: object, invocation: SignalRInvocationContext, filters: Sequence[Filter]
    ) -> object:
        """Run the method through the filters, outermost first, and return its result.

        Raise HubException for a call that is not allowed or does not fit. A method that is not a coroutine
        function runs in a thread.
        """
        call: Call = partial(self._run, hub, invocation)
        for surrounding in reversed(filters):
            call = partial(surrounding, invocation, call)
        token = authorization.CALLER.set(authorization.Caller(invocation, self.lifted))
        try:
            return await call()
        finally:
            authorization.CALLER.reset(token)

    def trigger(self, hub: Any) -> Callable[[SignalRInvocationContext], Awaitable[object]]:
        """Return a function for a SignalR trigger that runs the method of this hub through its filters."""

        async def trigger(invocation: SignalRInvocationContext) -> object:
            return await self.run(hub, invocation, hub.filters)

        # What tools for developers show; the worker sees the invocation alone.
        trigger.signalr_arguments = self._arguments  # type: ignore[attr-defined]
        trigger.__doc__ = self.function.__doc__
        trigger.__module__ = type(hub).__module__
        return trigger

    async def _run(self, hub: object, invocation: SignalRInvocationContext) -> object:
        if self.requirements:
            authorization.check(self.event, self.requirements, invocation)
        named: dict[str, object] = {}
        rest: list[object] = []
        if self._arguments is not None:
            named, rest = self._arguments.bind(invocation.arguments)
        if self._invocation is not None:
            named[self._invocation] = invocation
        args, kwargs = arrange(self._signature.parameters, named, rest)
        if self._signature.is_coroutine:
            return await self.function(hub, *args, **kwargs)
        result = await to_thread(self.function, hub, *args, **kwargs)
        # A decorator that is not a coroutine function may wrap one.
        return await result if inspect.isawaitable(result) else result


def hub_methods(hub: type, base: type) -> Iterator[HubMethod]:
    """Yield the methods of the events that a class adds to ``base``, see hub_events."""
    for found in hub_events(hub, base):
        yield HubMethod.of(found)
