"""Between the worker, which knows texts, and a function written with typed bindings."""

import inspect
import typing
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from serverless_signalr._functions.answers import answering_client, to_answer
from serverless_signalr._functions.arguments import Arguments
from serverless_signalr._functions.outputs import output_items
from serverless_signalr.models import (
    SignalRConnectionInfo,
    SignalREndpoint,
    SignalRInvocationContext,
    SignalRNegotiation,
    SignalROutput,
)
from serverless_signalr.protocol.upstream import Category

__all__ = ["RETURN", "Bound", "adapt"]

RETURN = "$return"

_READERS: dict[str, tuple[object, Callable[[str], object]]] = {
    "signalRTrigger": (SignalRInvocationContext, SignalRInvocationContext.from_json),
    "signalRConnectionInfo": (SignalRConnectionInfo, SignalRConnectionInfo.from_json),
    "signalRNegotiation": (SignalRNegotiation, SignalRNegotiation.from_json),
    "signalREndpoints": (list[SignalREndpoint], SignalREndpoint.list_from_json),
}
"""What a function receives for each type of input, and how it is read."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Name one typed binding of a function; ``event`` and ``category`` are those of a trigger."""

    name: str
    type: str
    category: str | None = None
    event: str | None = None


def adapt(
    function: Callable[..., Any], name: str, typed: Iterable[Bound], others: Iterable[str]
) -> Callable[..., Any]:
    """Return the function as the worker is to see it: with a parameter for each binding, and no other.

    ``others`` are the names of bindings that are none of ours, left as they are. Raise TypeError that
    names the function and the parameter where bindings and parameters do not fit.
    """
    call = _Call(function, name, list(typed), set(others))
    adapted: Any
    if inspect.iscoroutinefunction(function):

        async def adapted_async(**values: Any) -> Any:
            with call.answering_client():
                prepared = call.prepare(values)
                result = await function(*prepared.args, **prepared.kwargs)
                return call.finish(values, prepared, result)

        adapted = adapted_async
    else:

        def adapted_sync(**values: Any) -> Any:
            with call.answering_client():
                prepared = call.prepare(values)
                result = function(*prepared.args, **prepared.kwargs)
                return call.finish(values, prepared, result)

        adapted = adapted_sync
    adapted.__name__ = function.__name__
    adapted.__qualname__ = function.__qualname__
    adapted.__module__ = function.__module__
    adapted.__doc__ = function.__doc__
    adapted.__signature__ = call.worker_signature()
    adapted.__annotations__ = call.worker_annotations()
    return typing.cast("Callable[..., Any]", adapted)


class _Call:
    """Know how one function is called, and what becomes of its outputs."""

    def __init__(self, function: Callable[..., Any], name: str, typed: list[Bound], others: set[str]) -> None:
        self._name = name
        self._signature = inspect.signature(function)
        self._annotations = typing.get_type_hints(function, include_extras=True)
        parameters = self._signature.parameters
        self._inputs = [bound for bound in typed if bound.type in _READERS]
        self._outputs = [bound for bound in typed if bound.type not in _READERS and bound.name != RETURN]
        self._returns_output = any(bound.name == RETURN for bound in typed)
        self._trigger = next((bound for bound in typed if bound.event is not None), None)

        for bound in typed:
            self._check_parameter(bound)
        taken = {bound.name for bound in typed} | others | {"context"}
        free = [parameter for parameter in parameters.values() if parameter.name not in taken]
        if free and not self._is_message:
            raise TypeError(f"the parameter {free[0].name} of the function {name} belongs to no binding")
        # A function that takes the invocation and nothing else reads the arguments itself.
        self._arguments: Arguments | None = None
        if self._trigger and self._is_message and (free or self._trigger.name not in parameters):
            try:
                self._arguments = Arguments(self._trigger.event or name, free, self._annotations)
            except TypeError as error:
                raise TypeError(f"the function {name}: {error}") from None
        self._passed = {bound.name for bound in typed} | others
        self._free = {parameter.name for parameter in free}

    @property
    def _is_message(self) -> bool:
        return self._trigger is not None and (self._trigger.category or "").lower() != Category.CONNECTIONS

    def _check_parameter(self, bound: Bound) -> None:
        expected = _READERS[bound.type][0] if bound.type in _READERS else SignalROutput
        if bound.name == RETURN:
            return
        if bound.name not in self._signature.parameters:
            if bound is self._trigger:
                return
            raise TypeError(
                f"the function {self._name} has no parameter {bound.name} for its {bound.type} binding"
            )
        annotation = self._annotations.get(bound.name, expected)
        if annotation != expected:
            shown = getattr(expected, "__name__", str(expected))
            raise TypeError(
                f"the parameter {bound.name} of the function {self._name} is annotated "
                f"{inspect.formatannotation(annotation)}, the {bound.type} binding delivers {shown}"
            )

    def worker_signature(self) -> inspect.Signature:
        """Return a parameter for each binding, and for the worker's own context where it is asked for."""
        names = [name for name in self._signature.parameters if name not in self._free]
        if self._trigger and self._trigger.name not in names:
            names.append(self._trigger.name)
        return inspect.Signature([inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names])

    def worker_annotations(self) -> dict[str, Any]:
        """Return the annotations of what is none of ours: the worker checks those, and refuses ours."""
        ours = {bound.name for bound in (*self._inputs, *self._outputs)} | self._free
        if self._trigger or self._returns_output:
            ours.add("return")
        return {name: annotation for name, annotation in self._annotations.items() if name not in ours}

    def answering_client(self) -> AbstractContextManager[None]:
        """Return what keeps a message's failure from its client, and nothing for any other event."""
        if not self._is_message or self._trigger is None:
            return nullcontext()
        return answering_client(self._trigger.event or self._name)

    def prepare(self, values: Mapping[str, Any]) -> inspect.BoundArguments:
        """Turn the worker's values into those that the function's parameters ask for."""
        given = dict(values)
        for bound in self._inputs:
            given[bound.name] = _READERS[bound.type][1](values[bound.name])
        for bound in self._outputs:
            given[bound.name] = SignalROutput()
        rest: list[object] = []
        if self._arguments is not None and self._trigger is not None:
            named, rest = self._arguments.bind(given[self._trigger.name].arguments)
            given |= named
        arguments: dict[str, Any] = {}
        for name, parameter in self._signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                arguments[name] = tuple(rest)
            elif name in given:
                arguments[name] = given[name]
        called = inspect.BoundArguments(self._signature, OrderedDict(arguments))
        # Without them BoundArguments hands what follows a default on by name, ``*args`` too.
        called.apply_defaults()
        return called

    def finish(self, values: Mapping[str, Any], prepared: inspect.BoundArguments, result: Any) -> Any:
        """Hand what the outputs collected to the worker, and return what it is to encode."""
        for bound in self._outputs:
            if items := prepared.arguments[bound.name].items:
                # A list of objects, not JSON text: in text the host would rewrite what looks like a date.
                values[bound.name].set([item.to_dict() for item in items])
        if self._returns_output and result is not None:
            return output_items(self._name, result)
        return to_answer(result) if self._is_message else result
