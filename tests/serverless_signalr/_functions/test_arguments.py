"""A client's call against the parameters of a function."""

import inspect
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, get_type_hints

import pytest

from serverless_signalr._functions.arguments import Arguments, arrange, invocation_parameter
from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr.errors import HubException


def arguments_of(function: Callable[..., None]) -> Arguments:
    return Arguments("call", inspect.signature(function).parameters.values(), get_type_hints(function))


def two(group_name: str, text: str) -> None: ...


def optional(text: str, times: int = 1) -> None: ...


def rest(text: str, *numbers: int) -> None: ...


def anything(value: Any, other: object = None) -> None: ...


def nothing() -> None: ...


def dated(day: date | None) -> None: ...


@pytest.mark.parametrize(
    ("function", "given", "named", "left"),
    [
        pytest.param(two, ["g", "hi"], {"group_name": "g", "text": "hi"}, [], id="by-position"),
        pytest.param(optional, ["hi"], {"text": "hi"}, [], id="default-left-out"),
        pytest.param(optional, ["hi", 2], {"text": "hi", "times": 2}, [], id="default-given"),
        pytest.param(rest, ["hi"], {"text": "hi"}, [], id="no-rest"),
        pytest.param(rest, ["hi", 1, 2], {"text": "hi"}, [1, 2], id="rest"),
        pytest.param(anything, [{"a": 1}, "x"], {"value": {"a": 1}, "other": "x"}, [], id="untyped"),
        pytest.param(nothing, [], {}, [], id="none"),
        pytest.param(dated, ["2026-02-03"], {"day": date(2026, 2, 3)}, [], id="converted"),
        pytest.param(dated, [None], {"day": None}, [], id="null"),
    ],
)
def test_arguments_are_bound_by_position(
    function: Callable[..., None], given: Sequence[object], named: dict[str, object], left: list[object]
) -> None:
    assert arguments_of(function).bind(given) == (named, left)


@pytest.mark.parametrize(
    ("function", "given", "message"),
    [
        pytest.param(
            two, ["g"], "call(groupName: string, text: string) was called with 1 argument.", id="too-few"
        ),
        pytest.param(
            two, [], "call(groupName: string, text: string) was called with 0 arguments.", id="none"
        ),
        pytest.param(
            two,
            ["g", "hi", 3],
            "call(groupName: string, text: string) was called with 3 arguments.",
            id="too-many",
        ),
        pytest.param(
            optional, [], "call(text: string, times?: integer) was called with 0 arguments.", id="optional"
        ),
        pytest.param(
            rest, [], "call(text: string, ...numbers: integer) was called with 0 arguments.", id="rest"
        ),
        pytest.param(anything, [], "call(value, other?) was called with 0 arguments.", id="untyped"),
        pytest.param(nothing, [1], "call() was called with 1 argument.", id="no-parameters"),
    ],
)
def test_wrong_number_is_answered_with_what_fits(
    function: Callable[..., None], given: Sequence[object], message: str
) -> None:
    with pytest.raises(HubException) as raised:
        arguments_of(function).bind(given)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("function", "given", "message"),
    [
        pytest.param(
            two,
            ["g", 5],
            "call(groupName: string, text: string) was called with a wrong text: "
            "expected string, got integer.",
            id="argument",
        ),
        pytest.param(
            two,
            [None, "hi"],
            "call(groupName: string, text: string) was called with a wrong groupName: "
            "expected string, got null.",
            id="camel-case",
        ),
        pytest.param(
            rest,
            ["hi", 1, "x"],
            "call(text: string, ...numbers: integer) was called with a wrong numbers: "
            "expected integer, got string.",
            id="rest",
        ),
        pytest.param(
            dated,
            ["soon"],
            "call(day: date or null) was called with a wrong day: invalid RFC3339 encoded date.",
            id="date",
        ),
    ],
)
def test_wrong_value_is_answered_with_the_argument_and_what_fits(
    function: Callable[..., None], given: Sequence[object], message: str
) -> None:
    with pytest.raises(HubException) as raised:
        arguments_of(function).bind(given)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (bool, "boolean"),
        (list[int], "list"),
        (dict[str, int], "object"),
        (str | int | None, "string or integer or null"),
        (date, "date"),
    ],
)
def test_type_is_shown_in_terms_of_json(annotation: Any, shown: str) -> None:
    parameter = inspect.Parameter("value", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    assert str(Arguments("call", [parameter], {"value": annotation})) == f"call(value: {shown})"


def keyword_only(*, text: str) -> None: ...


def keywords(**texts: str) -> None: ...


def positional_only(text: str, /) -> None: ...


@pytest.mark.parametrize("function", [keyword_only, keywords, positional_only])
def test_parameter_that_takes_no_argument_is_refused(function: Callable[..., None]) -> None:
    with pytest.raises(TypeError, match="cannot take an argument: arguments are passed by position"):
        arguments_of(function)


def everything(one: int, two: int = 2, *rest: int, named: int = 5, other: int = 6) -> None: ...


@pytest.mark.parametrize(
    ("values", "rest", "arranged"),
    [
        pytest.param({"one": 1}, [], ([1, 2], {}), id="defaults"),
        pytest.param({"one": 1}, [3, 4], ([1, 2, 3, 4], {}), id="rest-after-a-default"),
        pytest.param({"one": 1, "two": 7, "named": 8}, [3], ([1, 7, 3], {"named": 8}), id="named"),
    ],
)
def test_values_are_arranged_by_parameter(
    values: dict[str, object], rest: list[object], arranged: tuple[list[object], dict[str, object]]
) -> None:
    assert arrange(inspect.signature(everything).parameters.values(), values, rest) == arranged


@pytest.mark.parametrize("name", ["caller", "invocation"])
@pytest.mark.parametrize("annotation", [Any, object])
def test_caller_of_any_type_would_be_chosen_by_clients(name: str, annotation: Any) -> None:
    parameter = inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    with pytest.raises(
        TypeError, match=f"^the parameter {name} accepts any type, .*SignalRInvocationContext"
    ):
        Arguments("say", [parameter], {name: annotation})
    assert Arguments("call", [parameter], {name: str}).bind(["ann"]) == ({name: "ann"}, [])


def one(text: str, caller: SignalRInvocationContext) -> None: ...


def none(text: str) -> None: ...


def twice(caller: SignalRInvocationContext, other: SignalRInvocationContext) -> None: ...


def many(*callers: SignalRInvocationContext) -> None: ...


def named(**callers: SignalRInvocationContext) -> None: ...


@pytest.mark.parametrize(("function", "name"), [(one, "caller"), (none, None)])
def test_invocation_goes_to_the_parameter_with_its_annotation(
    function: Callable[..., None], name: str | None
) -> None:
    found = inspect.signature(function).parameters.values()
    assert invocation_parameter(found, function.__annotations__, "f") == name


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (twice, "^f takes the invocation twice: caller, other$"),
        (many, r"^f takes the invocation as \*callers: .*: remove the asterisks$"),
        (named, r"^f takes the invocation as \*\*callers: .*: remove the asterisks$"),
    ],
)
def test_invocation_goes_to_one_plain_parameter(function: Callable[..., None], message: str) -> None:
    found = inspect.signature(function).parameters.values()
    with pytest.raises(TypeError, match=message):
        invocation_parameter(found, function.__annotations__, "f")


@pytest.mark.parametrize(
    ("function", "shown"),
    [
        pytest.param(
            two, [("groupName", "string", False, False), ("text", "string", False, False)], id="two"
        ),
        pytest.param(
            optional, [("text", "string", False, False), ("times", "integer", True, False)], id="optional"
        ),
        pytest.param(rest, [("text", "string", False, False), ("numbers", "integer", True, True)], id="rest"),
        pytest.param(anything, [("value", "any", False, False), ("other", "any", True, False)], id="any"),
        pytest.param(nothing, [], id="nothing"),
    ],
)
def test_parameters_are_shown_as_clients_see_them(
    function: Callable[..., None], shown: list[tuple[str, str, bool, bool]]
) -> None:
    found = [tuple(parameter.values()) for parameter in arguments_of(function).parameters]
    assert found == shown
