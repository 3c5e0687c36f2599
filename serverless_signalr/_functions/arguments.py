"""The arguments of a function: how a client's arguments and other values reach its parameters."""

import inspect
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from serverless_signalr._functions.annotations import check_annotation
from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr.errors import HubException
from serverless_signalr.protocol.names import to_camel_case
from serverless_signalr.protocol.values import convert

__all__ = ["Arguments", "arrange", "invocation_parameter"]

_JSON_NAMES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "list",
    dict: "object",
    type(None): "null",
}

_UNCONVERTED = (Any, object)
_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_CALLERS = ("caller", "invocation")
_EXACT = (str, int, float, bool)
"""Types whose JSON values need no conversion."""


class Arguments:
    """The arguments of a call, bound to parameters by position and converted by their annotations.

    A parameter with a default is optional, and ``*args`` takes the remaining arguments. ``target`` and the
    parameters appear in error messages in the spelling of clients. Raise TypeError for a parameter that
    cannot take an argument: one without an annotation, one with a type that no argument can have or that only
    the app may create, or one that cannot be passed by position.
    """

    def __init__(
        self, target: str, parameters: Iterable[inspect.Parameter], annotations: Mapping[str, Any]
    ) -> None:
        self._target = target
        self._positional: list[inspect.Parameter] = []
        self._rest: inspect.Parameter | None = None
        for parameter in parameters:
            _check_parameter(parameter, annotations)
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                self._rest = parameter
            else:
                self._positional.append(parameter)
        self._annotations = annotations
        self._required = sum(parameter.default is inspect.Parameter.empty for parameter in self._positional)

    def bind(self, arguments: Sequence[object]) -> tuple[dict[str, object], list[object]]:
        """Return the values by parameter, and those for ``*args``.

        Raise HubException, which shows the parameters, if the arguments do not match.
        """
        count = len(arguments)
        if count < self._required or (self._rest is None and count > len(self._positional)):
            given = "1 argument" if count == 1 else f"{count} arguments"
            raise HubException(f"{self} was called with {given}.")
        named = {
            parameter.name: self._convert(parameter, argument)
            for parameter, argument in zip(self._positional, arguments, strict=False)
        }
        rest = [self._convert(self._rest, argument) for argument in arguments[len(named) :] if self._rest]
        return named, rest

    @property
    def parameters(self) -> list[dict[str, object]]:
        """The parameters as clients see them: name, type, whether optional, and ``rest`` for ``*args``."""
        found: list[dict[str, object]] = [
            {
                "name": to_camel_case(parameter.name),
                "type": self._type(parameter).removeprefix(": ") or "any",
                "optional": parameter.default is not parameter.empty,
                "rest": False,
            }
            for parameter in self._positional
        ]
        if (rest := self._rest) is not None:
            name, kind = to_camel_case(rest.name), self._type(rest).removeprefix(": ") or "any"
            found.append({"name": name, "type": kind, "optional": True, "rest": True})
        return found

    def _convert(self, parameter: inspect.Parameter, argument: object) -> object:
        annotation = self._annotations[parameter.name]
        if annotation in _UNCONVERTED or (annotation in _EXACT and type(argument) is annotation):
            return argument
        try:
            return convert(argument, annotation)
        except ValueError as error:
            name = to_camel_case(parameter.name)
            raise HubException(f"{self} was called with a wrong {name}: {error}.") from None

    def __str__(self) -> str:
        shown = [
            f"{to_camel_case(parameter.name)}{'' if parameter.default is parameter.empty else '?'}"
            f"{self._type(parameter)}"
            for parameter in self._positional
        ]
        if self._rest is not None:
            shown.append(f"...{to_camel_case(self._rest.name)}{self._type(self._rest)}")
        return f"{self._target}({', '.join(shown)})"

    def _type(self, parameter: inspect.Parameter) -> str:
        annotation = self._annotations[parameter.name]
        return "" if annotation in (Any, object) else f": {_json_name(annotation)}"


def invocation_parameter(
    parameters: Iterable[inspect.Parameter], annotations: Mapping[str, Any], name: str
) -> str | None:
    """Return the parameter that is annotated SignalRInvocationContext, if there is one.

    Raise TypeError, which names the function, for several, and for ``*args`` and ``**kwargs``.
    """
    found = [item for item in parameters if annotations.get(item.name) is SignalRInvocationContext]
    if len(found) > 1:
        raise TypeError(f"{name} takes the invocation twice: {', '.join(item.name for item in found)}")
    if found and found[0].kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise TypeError(f"{name} takes the invocation as {found[0]}: remove the asterisks")
    return found[0].name if found else None


def arrange(
    parameters: Iterable[inspect.Parameter], values: Mapping[str, object], rest: Sequence[object]
) -> tuple[list[object], dict[str, object]]:
    """Return positional and keyword arguments that pass each value to the parameter of its name.

    ``rest`` goes to ``*args``. A parameter without a value gets its default.
    """
    positional: list[object] = []
    keywords: dict[str, object] = {}
    for parameter in parameters:
        name = parameter.name
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional.extend(rest)
        elif parameter.kind in _BY_POSITION:
            positional.append(values.get(name, parameter.default))
        elif name in values:
            keywords[name] = values[name]
    return positional, keywords


def _check_parameter(parameter: inspect.Parameter, annotations: Mapping[str, Any]) -> None:
    if parameter.name not in annotations:
        raise TypeError(
            f"the parameter {parameter.name} has no annotation, so clients would choose its value: annotate "
            "it SignalRInvocationContext to receive the invocation, or with the type of the argument that "
            "clients pass (Any for any type)"
        )
    if parameter.name in _CALLERS and annotations[parameter.name] in _UNCONVERTED:
        raise TypeError(
            f"the parameter {parameter.name} accepts any type, so clients would choose who calls: "
            "annotate it SignalRInvocationContext to receive the invocation, or give it another name"
        )
    if parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_OR_KEYWORD):
        raise TypeError(
            f"the parameter {parameter} cannot take an argument: arguments are passed by position"
        )
    try:
        check_annotation(annotations[parameter.name])
    except TypeError as error:
        raise TypeError(f"the parameter {parameter.name} cannot take an argument: {error}") from None


def _json_name(annotation: Any) -> str:
    if annotation in _JSON_NAMES:
        return _JSON_NAMES[annotation]
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_json_name(part) for part in typing.get_args(annotation))
    if origin in _JSON_NAMES:
        return _JSON_NAMES[origin]
    if isinstance(annotation, type):
        return annotation.__name__
    return str(annotation).removeprefix("typing.")
