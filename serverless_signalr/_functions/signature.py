"""The signature of a function: its parameters, their annotations, and whether it is a coroutine function."""

import functools
import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Signature", "name_of"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Signature:
    """The parameters of a function, read once so that calls are fast.

    ``name`` is the name of the function in errors. ``bound`` omits its first parameter, ``self``. Raise
    TypeError for annotations that cannot be evaluated, and for generator functions.
    """

    def __init__(self, function: Callable[..., Any], name: str, *, bound: bool = False) -> None:
        source = _source(function)
        if inspect.isgeneratorfunction(source) or inspect.isasyncgenfunction(source):
            raise TypeError(
                f"{name} is a generator, but the service does not carry streams from a function to its "
                "caller: return a list, or use stream_to_connection of a ServiceClient"
            )
        self.parameters = tuple(inspect.signature(function).parameters.values())
        if bound:
            if not self.parameters or self.parameters[0].kind not in _POSITIONAL:
                raise TypeError(f"{name} has no parameter self: give it one")
            self.parameters = self.parameters[1:]
        self.annotations = _annotations(self.parameters, source, name)
        self.is_coroutine = inspect.iscoroutinefunction(function)
        """Whether the function is a coroutine function."""
        self.wraps_coroutine = inspect.iscoroutinefunction(source)
        """Whether the function inside its decorators is a coroutine function."""

    @property
    def names(self) -> list[str]:
        """Return the names of the parameters."""
        return [parameter.name for parameter in self.parameters]

    def takes_only(self, name: str | None) -> bool:
        """Tell whether the function has one parameter, of this name, that may be given by position."""
        return self.names == [name] and self.parameters[0].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def name_of(function: object) -> str:
    """Return the name of a function or a callable object."""
    while isinstance(function, functools.partial):
        function = function.func
    found = getattr(function, "__name__", None)
    return found if isinstance(found, str) else type(function).__name__


def _source(function: Any) -> Any:
    """Return the user's function, without its decorators, or the ``__call__`` of a callable object."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif inspect.isroutine(function) or isinstance(function, type):
            return function
        else:
            return type(function).__call__


def _annotations(parameters: Sequence[inspect.Parameter], source: Any, name: str) -> dict[str, Any]:
    try:
        found = typing.get_type_hints(source, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"{name} has an annotation that cannot be evaluated when the app is loaded: {error}; import or "
            "define the name above the function, not under TYPE_CHECKING"
        ) from None
    # A decorator may add parameters to those of the function that it wraps.
    added = {
        item.name: item.annotation
        for item in parameters
        if item.annotation is not inspect.Parameter.empty and not isinstance(item.annotation, str)
    }
    return {**added, **found}
