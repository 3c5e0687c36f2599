"""The type arguments that a hub class gives to its generic base classes."""

import types
import typing
from collections.abc import Mapping
from typing import Any

from serverless_signalr._hub.clients import AnyClient

__all__ = ["client_interface", "replaced", "type_arguments"]


def client_interface(hub: type, base: Any) -> type:
    """Return the client interface, the type argument of ``base``. Raise TypeError if it is not a class."""
    [parameter] = base.__parameters__
    match type_arguments(hub, base).get(parameter, AnyClient):
        case type() as interface:
            return interface
        case typing.TypeVar():
            # A generic base class: its subclasses name their interfaces.
            return AnyClient
        case other:
            raise TypeError(f"the client interface of {hub.__name__} is {other!r}, expected a class")


def type_arguments(hub: type, owner: type) -> Mapping[Any, Any]:
    """Return the type arguments that a class gives to one of its base classes, by type parameter."""
    return _search(hub, owner, {})


def replaced(annotation: Any, known: Mapping[Any, Any]) -> Any:
    """Return an annotation with type parameters replaced by their arguments."""
    if isinstance(annotation, typing.TypeVar):
        return known.get(annotation, annotation)
    parameters = () if isinstance(annotation, type) else getattr(annotation, "__parameters__", ())
    if not any(parameter in known for parameter in parameters):
        return annotation
    return annotation[tuple(known.get(parameter, parameter) for parameter in parameters)]


def _search(cls: Any, owner: type, known: Mapping[Any, Any]) -> Mapping[Any, Any]:
    if cls is owner:
        return known
    for base in types.get_original_bases(cls):
        origin = typing.get_origin(base) or base
        if isinstance(origin, type) and issubclass(origin, owner):
            given = [replaced(argument, known) for argument in typing.get_args(base)]
            parameters = getattr(origin, "__parameters__", ())
            if found := _search(origin, owner, dict(zip(parameters, given, strict=False))):
                return found
    return {}
