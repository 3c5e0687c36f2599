"""The events of a hub class: their methods, their names, and their requirements."""

import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

from azure.functions.decorators.function_app import FunctionBuilder

from serverless_signalr._functions import authorization
from serverless_signalr._functions.event_names import EVENT_MARK, check_event_name
from serverless_signalr._hub.generics import type_arguments
from serverless_signalr.protocol.names import to_camel_case
from serverless_signalr.protocol.upstream import DISCONNECTED

__all__ = ["HubEvent", "event", "hub_events", "not_an_event"]

_METHOD_NAME = ""
"""The mark of a method that is an event with its own name."""

_METHOD_OBJECTS = (staticmethod, classmethod, functools.partialmethod, functools.singledispatchmethod)

type _Definers = Sequence[tuple[type, Any]]
"""The classes that define a member, in MRO order, with their definitions."""


@dataclass(frozen=True, slots=True)
class HubEvent:
    """An event of a hub class, and its method."""

    name: str
    event: str
    function: Callable[..., Any]
    requirements: tuple[authorization.Requirement, ...]
    lifted: frozenset[authorization.Guard] = frozenset()
    """The guards of overridden methods that ``requires_nothing`` lifts."""
    type_arguments: Mapping[Any, Any] = field(default_factory=dict)
    """The arguments for the type parameters of the class that defines the method."""


@overload
def event[F: Callable[..., Any]](name: F, /) -> F: ...
@overload
def event[F: Callable[..., Any]](name: str) -> Callable[[F], F]: ...
def event(name: Any) -> Any:
    """Make a method an event. ``@event`` uses its name in camelCase, ``@event("name")`` another name.

    Public methods of hub classes are events without the decorator, methods of mixins only with it. Overrides
    of the method inherit the name.
    """
    if not isinstance(name, str):
        return _marked(name, _METHOD_NAME)
    if not name:
        raise ValueError("the event of a hub method must not be empty")
    return lambda function: _marked(function, name)


def not_an_event[F: Callable[..., Any]](function: F) -> F:
    """Prevent clients from calling a public method of a hub class. Overrides inherit this."""
    marked: F = _marked(function, None)
    return marked


def hub_events(hub: type, base: type) -> Iterator[HubEvent]:
    """Yield the events that a class adds to ``base``.

    Raise TypeError for a member if it is unclear whether clients may call it, or which clients, and for two
    events with the same name.
    """
    seen: dict[str, str] = {}
    for name in dir(hub):
        definers = [
            (owner, vars(owner)[name])
            for owner in hub.__mro__
            if name in vars(owner) and owner not in base.__mro__
        ]
        if not definers:
            continue
        if not _is_event(hub, name, definers, base):
            _check_no_event(name, definers)
            continue
        found = _event(name, definers)
        other = seen.setdefault(found.event.lower(), name)
        if other != name:
            raise TypeError(f"{hub.__name__}.{other} and {name} are both the event {found.event}: rename one")
        _check_taken_over(hub, base, found)
        yield replace(found, type_arguments=type_arguments(hub, definers[0][0]))


def _check_taken_over(hub: type, base: type, found: HubEvent) -> None:
    """Raise TypeError if a method takes over another method's event without its requirements."""
    for owner in hub.__mro__[1:]:
        if owner is base or not issubclass(owner, base):
            continue
        for other in hub_events(owner, base):
            if other.event.lower() != found.event.lower() or other.name == found.name:
                continue
            missing = [item for item in other.requirements if item not in found.requirements]
            if missing:
                raise TypeError(
                    f"{hub.__name__}.{found.name} takes over the event {found.event} from "
                    f"{owner.__name__}.{other.name}, which requires {missing[0].shown}: put the same "
                    "@requires on it, or give it an event of its own"
                )


def _is_event(hub: type, name: str, definers: _Definers, base: type) -> bool:
    """Tell whether a member is an event. Raise TypeError if it would be one but cannot be."""
    owner, member = definers[0]
    shown = f"{owner.__name__}.{name}"
    mark = _mark(definers)
    if name.startswith("_"):
        if mark is not None and mark[1] is not None:
            raise TypeError(f"{shown} has @event, but its name is private: remove the underscore or @event")
        return False
    if inspect.getattr_static(hub, name) is inspect.getattr_static(base, name, None):
        return False
    if mark is not None and mark[1] is None:
        return False
    if mark is None and not _is_method(member):
        return False
    if hasattr(base, name):
        raise TypeError(
            f"{hub.__name__}.{name} hides {base.__name__}.{name}: give it another name, "
            f'and @event("{to_camel_case(name)}") for its event'
        )
    if mark is None and not any(issubclass(owner, base) for owner, _ in definers):
        return False
    if not inspect.isfunction(member):
        raise TypeError(
            f"{shown} is public but not a plain method ({type(member).__name__}), so it is unclear whether "
            "clients may call it: use a plain method, mark it @not_an_event, or begin its name with an "
            "underscore"
        )
    return True


def _check_no_event(name: str, definers: _Definers) -> None:
    for owner, member in definers:
        if authorization.requirements(member) or authorization.is_open(member):
            raise TypeError(
                f"{owner.__name__}.{name} has @requires or @requires_nothing but is not an event, so nothing "
                "would check it: guard the methods that clients call, or make it one with @event"
            )
        if EVENT_MARK in _marks(member) or not _is_method(member):
            # Definitions further up may be events, and this one disables them.
            break


def _event(name: str, definers: _Definers) -> HubEvent:
    shown = f"{definers[0][0].__name__}.{name}"
    mark = _mark(definers)
    event = (mark and mark[1]) or to_camel_case(name)
    check_event_name(shown, event)
    wanted, lifted = _requirements(name, definers)
    if wanted and event == DISCONNECTED:
        raise TypeError(
            f"{shown} has @requires, but a client that has disconnected cannot be refused: check the claims "
            "of the invocation instead"
        )
    return HubEvent(name, event, definers[0][1], wanted, lifted)


def _requirements(
    name: str, definers: _Definers
) -> tuple[tuple[authorization.Requirement, ...], frozenset[authorization.Guard]]:
    """Return the combined requirements of a method and the methods that it overrides, and lifted guards."""
    wanted: list[authorization.Requirement] = []
    opened: type | None = None
    lifted: set[authorization.Guard] = set()
    for owner, member in definers:
        if inspect.isfunction(member) and authorization.hides_requirements(member):
            raise TypeError(
                f"{owner.__name__}.{name} has a decorator that hides its @requires: use functools.wraps in "
                "that decorator, or put @requires above it"
            )
        authorization.enforce(member)
        found = authorization.requirements(member)
        if opened is None:
            wanted += [item for item in found if item not in wanted]
            opened = owner if authorization.is_open(member) else None
        else:
            # An override with @requires_nothing may call the method that it overrides.
            lifted.update(authorization.guards(member))
    if opened is not None and not lifted:
        raise TypeError(
            f"{opened.__name__}.{name} has @requires_nothing, but overrides no method with @requires: "
            "remove it"
        )
    return tuple(wanted), frozenset(lifted)


def _is_method(member: object) -> bool:
    if isinstance(member, type | typing.NewType) or typing.get_origin(member) is not None:
        return False
    return isinstance(member, _METHOD_OBJECTS) or callable(member)


def _marked(function: Any, mark: str | None) -> Any:
    if isinstance(function, FunctionBuilder):
        raise TypeError(
            "@event and @not_an_event belong on hub methods; a function has signalr_trigger(event=…)"
        )
    try:
        setattr(function, EVENT_MARK, mark)
    except AttributeError:
        raise TypeError(
            f"@event and @not_an_event cannot mark {function!r}: put them directly on a function"
        ) from None
    return function


def _mark(definers: _Definers) -> tuple[type, str | None] | None:
    """Return the nearest mark and the class that has it."""
    for owner, member in definers:
        if EVENT_MARK in (marks := _marks(member)):
            return owner, marks[EVENT_MARK]
    return None


def _marks(member: Any) -> dict[str, Any]:
    for layer in authorization.layers(member):
        if EVENT_MARK in (found := getattr(layer, "__dict__", {})) and not isinstance(layer, type):
            return {EVENT_MARK: found[EVENT_MARK]}
    return {}
