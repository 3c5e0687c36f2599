"""The check of annotations that arguments of a call can have.

JSON has text, numbers, lists and objects, so a union cannot contain several types with the same form in JSON.
msgspec, which converts the arguments, refuses them at the first call. This module refuses them when the app
is loaded, without importing msgspec.
"""

import collections.abc
import dataclasses
import datetime
import enum
import types
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

import azure.functions as func

from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr._models.negotiation import SignalRConnectionInfo, SignalREndpoint, SignalRNegotiation
from serverless_signalr._models.output import SignalRGroupAction, SignalRMessage, SignalROutput

__all__ = ["check_annotation"]

_TEXTS = (
    str,
    bytes,
    bytearray,
    memoryview,
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
)
# By name, to avoid the import: an app that uses them has imported them.
_MORE_TEXTS = frozenset({("decimal", "Decimal"), ("uuid", "UUID")})
_PRINCIPAL = ("serverless_signalr.principal", "Principal")
_LISTS = (
    list,
    tuple,
    set,
    frozenset,
    collections.abc.Collection,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Set,
    collections.abc.MutableSet,
)
_OBJECTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_SCALARS = (bool, float, type(None))
_NAMES_OF_SCALARS = tuple(scalar.__name__ for scalar in _SCALARS)

_OTHER_BINDINGS = (
    SignalRConnectionInfo,
    SignalREndpoint,
    SignalRNegotiation,
    func.HttpRequest,
    func.HttpResponse,
    func.Context,
    func.Out,
    func.TimerRequest,
    func.QueueMessage,
)


class _UnfitError(Exception):
    """An annotation that no argument can have. The message is a clause."""


class _Form(NamedTuple):
    """The form of a type in JSON."""

    kind: str
    shown: str
    annotation: Any
    is_literal: bool = False


def check_annotation(annotation: Any) -> None:
    """Raise TypeError, with a clause as its message, for an annotation that no argument can have."""
    try:
        _walk(annotation, frozenset())
    except _UnfitError as unfit:
        raise TypeError(str(unfit)) from None


def _walk(annotation: Any, seen: frozenset[Any]) -> list[_Form]:
    """Return the forms that an annotation accepts."""
    annotation = _resolved(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    shown = _shown(annotation)
    if annotation is Any or annotation is object or isinstance(annotation, typing.TypeVar):
        return [_Form("anything", shown, annotation)]
    if origin in (typing.Union, types.UnionType):
        return _union([form for part in arguments for form in _walk(part, seen)])
    if origin is typing.Literal:
        return [_literal(value) for value in arguments]
    plain = origin or annotation
    if not isinstance(plain, type):
        raise _UnfitError(f"an argument cannot be converted to {shown}")
    form = _form(plain, seen)
    for part in arguments:
        if part is not Ellipsis:
            _walk(part, seen)
    return [_Form(form, shown, annotation)]


def _form(plain: type, seen: frozenset[Any]) -> str:
    _refuse_trusted(plain)
    if plain in _SCALARS:
        return plain.__name__
    if _qualified(plain) in _MORE_TEXTS:
        return "text"
    for kind, members in (("integer", (int,)), ("text", _TEXTS), ("list", _LISTS), ("object", _OBJECTS)):
        if plain in members:
            return kind
    if issubclass(plain, enum.Enum):
        return _enum_form(plain)
    if config := getattr(plain, "__struct_config__", None):
        return "list" if config.array_like else "object"
    is_tuple = issubclass(plain, tuple) and hasattr(plain, "_fields")
    is_object = (
        dataclasses.is_dataclass(plain) or typing.is_typeddict(plain) or hasattr(plain, "__attrs_attrs__")
    )
    if is_tuple or is_object:
        if plain not in seen:
            for part in _members(plain):
                _walk(part, seen | {plain})
        return "list" if is_tuple else "object"
    raise _UnfitError(f"JSON has no form for {_a(plain.__name__)}")


def _members(plain: type) -> Iterator[Any]:
    try:
        hints = typing.get_type_hints(plain, include_extras=True)
    except NameError as error:
        raise _UnfitError(f"{plain.__name__} has an annotation that cannot be evaluated: {error}") from None
    for annotation in hints.values():
        if typing.get_origin(annotation) is not typing.ClassVar and annotation is not typing.ClassVar:
            yield annotation


def _refuse_trusted(plain: type) -> None:
    if issubclass(plain, SignalRInvocationContext) or _PRINCIPAL in map(_qualified, plain.__mro__):
        raise _UnfitError(
            f"clients would choose the {plain.__name__} themselves: to receive the invocation, annotate one "
            "parameter SignalRInvocationContext and nothing else, and give it the name in the trigger"
        )
    if issubclass(plain, SignalROutput):
        raise _UnfitError(
            "a SignalROutput comes from a binding, not from clients: put @….signalr_output() above the "
            "function, with this parameter's name"
        )
    if issubclass(plain, SignalRMessage | SignalRGroupAction):
        raise _UnfitError(
            f"clients would choose the recipients of the {plain.__name__}: take its parts as arguments"
        )
    if issubclass(plain, _OTHER_BINDINGS):
        raise _UnfitError(
            f"{_a(plain.__name__)} comes from a binding, not from clients: put the binding's decorator above "
            "the function, with this parameter's name"
        )


def _union(forms: list[_Form]) -> list[_Form]:
    """Return the forms of a union, unless two of its types have the same form."""
    if any(form.annotation is Any for form in forms):
        return [_Form("anything", "Any", Any)]
    by_kind: dict[str, list[_Form]] = {}
    for form in forms:
        by_kind.setdefault(form.kind, []).append(form)
    if "anything" in by_kind and len(by_kind.keys() - {"NoneType"}) > 1:
        raise _UnfitError(f"{by_kind['anything'][0].shown} in a union accepts everything: use Any")
    structs = [form for form in forms if hasattr(form.annotation, "__struct_config__")]
    if len(structs) > 1 and not all(map(_is_tagged, structs)):
        raise _same(structs[0].shown, structs[1].shown)
    for kind in by_kind.keys() - set(_NAMES_OF_SCALARS):
        _check_kind(by_kind[kind])
    return forms


def _check_kind(forms: list[_Form]) -> None:
    exact = [form for form in forms if not form.is_literal]
    plain = [form for form in exact if form.annotation in (str, int)]
    if len(plain) < len(exact) and len(exact) < len(forms):
        raise _same(exact[0].shown, "a literal")
    if len(exact) > 1 and len(plain) < len(exact) and not all(map(_is_tagged, exact)):
        raise _same(exact[0].shown, exact[1].shown)


def _same(one: str, other: str) -> _UnfitError:
    return _UnfitError(f"{one} and {other} look the same in JSON: keep one of them")


def _literal(value: object) -> _Form:
    match value:
        case None | bool():
            return _Form(type(value).__name__, repr(value), value, is_literal=True)
        case str():
            return _Form("text", repr(value), value, is_literal=True)
        case int():
            return _Form("integer", repr(value), value, is_literal=True)
        case _:
            raise _UnfitError(f"the literal {value!r} is neither text, integer, boolean nor None")


def _is_tagged(form: _Form) -> bool:
    """Tell whether a type is a tagged msgspec.Struct, which a union may have several of."""
    config = getattr(form.annotation, "__struct_config__", None)
    return config is not None and config.tag is not None


def _enum_form(plain: type[enum.Enum]) -> str:
    values = [item.value for item in plain]
    if values and all(isinstance(value, str) for value in values):
        return "text"
    if values and all(isinstance(value, int) for value in values):
        return "integer"
    raise _UnfitError(f"the values of the enum {plain.__name__} must be all text or all integers")


def _resolved(annotation: Any) -> Any:
    """Return the annotation behind aliases, NewTypes and qualifiers."""
    while True:
        origin = typing.get_origin(annotation)
        if annotation is None:
            return type(None)
        if isinstance(annotation, typing.TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(origin, typing.TypeAliasType):
            annotation = origin.__value__[typing.get_args(annotation)]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif origin in (typing.Annotated, typing.Final, typing.Required, typing.NotRequired):
            annotation = typing.get_args(annotation)[0]
        else:
            return annotation


def _shown(annotation: Any) -> str:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    return str(annotation).removeprefix("typing.")


def _qualified(plain: type) -> tuple[str, str]:
    return plain.__module__, plain.__qualname__


def _a(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"
