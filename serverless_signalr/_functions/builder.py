"""A function with bindings of ours, adapted for the worker when the app is indexed."""

import functools
from collections.abc import Callable
from typing import Any

from azure.functions.decorators.core import Binding
from azure.functions.decorators.function_app import Function, FunctionBuilder
from azure.functions.decorators.generic import GenericInputBinding, GenericOutputBinding, GenericTrigger

from serverless_signalr._functions.adapter import Bound, adapt, check_untyped
from serverless_signalr._functions.signature import name_of

__all__ = ["AdaptingBuilder", "InputBinding", "OutputBinding", "TriggerBinding", "function_name", "with_name"]


class _TypedBinding(Binding):
    """A binding of ours, among those declared with azure-functions' own decorators."""


class TriggerBinding(_TypedBinding, GenericTrigger):
    """A SignalR trigger; ``is_default`` says that no parameter was named for it."""

    is_default = False


class InputBinding(_TypedBinding, GenericInputBinding):
    """A SignalR input."""


class OutputBinding(_TypedBinding, GenericOutputBinding):
    """A SignalR output."""


class AdaptingBuilder(FunctionBuilder):
    """A function that is adapted when it is built: only then are all of its bindings known."""

    _is_adapted = False

    def replace_function(self, decorate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Decorate the function that was written, below all bindings."""
        self._function._func = decorate(self._function.get_user_function())

    def build(self, *args: Any, **kwargs: Any) -> Function:
        """Return the function as the worker has to see it. Raise TypeError where its parts do not fit."""
        function = super().build(*args, **kwargs)
        if self._is_adapted:
            return function
        bindings = function.get_bindings()
        typed = [binding for binding in bindings if isinstance(binding, _TypedBinding)]
        written, name = function.get_user_function(), function.get_function_name() or ""
        if typed:
            others = [binding.name for binding in bindings if binding not in typed]
            function._func = adapt(written, name, [_bound(binding) for binding in typed], others)
        else:
            check_untyped(written, name)
        self._is_adapted = True
        return function


def _bound(binding: Binding) -> Bound:
    return Bound(
        binding.name,
        str(binding.type),
        getattr(binding, "category", None),
        getattr(binding, "event", None),
        getattr(binding, "is_default", False),
    )


def function_name(builder: FunctionBuilder) -> str:
    """Return the name that the host knows a function by."""
    return builder._function.get_function_name() or ""


def with_name(function: Any) -> Any:
    """Return what azure-functions can take: it needs a name, which objects and partials do not have."""
    if not callable(function) or hasattr(function, "__name__"):
        return function

    @functools.wraps(function, updated=())
    def named(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    named.__name__ = named.__qualname__ = name_of(function)
    return named
