"""The builder of functions with SignalR bindings, which adapts them when the app is indexed."""

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
    """A typed SignalR binding, as distinct from those of azure-functions' own decorators."""


class TriggerBinding(_TypedBinding, GenericTrigger):
    """A SignalR trigger. ``is_default`` marks one without an ``arg_name``."""

    is_default = False


class InputBinding(_TypedBinding, GenericInputBinding):
    """A SignalR input binding."""


class OutputBinding(_TypedBinding, GenericOutputBinding):
    """A SignalR output binding."""


class AdaptingBuilder(FunctionBuilder):
    """A function builder that adapts its function when it is built, once all bindings are known."""

    _is_adapted = False

    def replace_function(self, decorate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Decorate the user's function, below all bindings."""
        self._function._func = decorate(self._function.get_user_function())

    def build(self, *args: Any, **kwargs: Any) -> Function:
        """Return the function for the worker. Raise TypeError if bindings and parameters do not match."""
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
    """Return the name of a function in the host."""
    return builder._function.get_function_name() or ""


def with_name(function: Any) -> Any:
    """Return a function with a name, which azure-functions requires and objects and partials lack."""
    if not callable(function) or hasattr(function, "__name__"):
        return function

    @functools.wraps(function, updated=())
    def named(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    named.__name__ = named.__qualname__ = name_of(function)
    return named
