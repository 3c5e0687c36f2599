"""The client interface that a hub class names: ``class Chat(ServerlessHub[ChatClient])``."""

import types
import typing
from typing import Any

from serverless_signalr._hub.clients import AnyClient

__all__ = ["interface_of"]


def interface_of(hub: type, root: type) -> type:
    """Return the client interface of a hub class derived from ``root``.

    Raise TypeError if it is not a class.
    """
    match _argument(hub, root):
        case type() as interface:
            return interface
        case typing.TypeVar():
            # A generic base class: its subclasses name their interfaces.
            return AnyClient
        case other:
            raise TypeError(f"the client interface of {hub.__name__} is {other!r}, expected a class")


def _argument(base: Any, root: type) -> Any:
    """Return the argument for ``T`` that a base class or one of its bases gives."""
    origin = typing.get_origin(base) or base
    if origin is root:
        return next(iter(typing.get_args(base)), AnyClient)
    for outer in types.get_original_bases(origin):
        if issubclass(typing.get_origin(outer) or outer, root):
            found = _argument(outer, root)
            return dict(zip(origin.__parameters__, typing.get_args(base), strict=False)).get(found, found)
    raise TypeError(f"{origin!r} is not a hub")
