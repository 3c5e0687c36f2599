"""Signatures: how values reach the parameters of a function, however it was made."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from serverless_signalr._functions.signature import Signature, name_of


def signature(function: Callable[..., Any], **options: Any) -> Signature:
    return Signature(function, "f", **options)


def test_method_is_read_without_self() -> None:
    class Hub:
        def send(self, text: str) -> None: ...

    assert signature(Hub.send, bound=True).names == ["text"]


class Callback:
    label: str = "an attribute is no parameter"

    def __call__(self, text: str, times: int = 1) -> None: ...


class AsyncCallback:
    async def __call__(self, text: str) -> None: ...


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def plain(text: str, times: int = 1) -> None: ...


async def coroutine(text: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "annotations"),
    [
        pytest.param(plain, {"text": str, "times": int}, id="function"),
        pytest.param(wrapped(plain), {"text": str, "times": int}, id="wrapped"),
        pytest.param(Callback(), {"text": str, "times": int}, id="object"),
        pytest.param(functools.partial(plain, times=3), {"text": str, "times": int}, id="partial"),
        pytest.param(wrapped(wrapped(Callback())), {"text": str, "times": int}, id="wrapped-object"),
    ],
)
def test_annotations_are_those_of_what_was_written(
    function: Callable[..., Any], annotations: dict[str, Any]
) -> None:
    found = signature(function)
    assert {name: found.annotations[name] for name in found.names} == annotations


@pytest.mark.parametrize(
    ("function", "is_coroutine", "wraps_coroutine"),
    [
        pytest.param(plain, False, False, id="sync"),
        pytest.param(coroutine, True, True, id="async"),
        pytest.param(wrapped(coroutine), False, True, id="sync-around-async"),
        pytest.param(functools.partial(coroutine), True, True, id="partial"),
        pytest.param(AsyncCallback(), False, True, id="object"),
    ],
)
def test_coroutine_functions_are_found(
    function: Callable[..., Any], is_coroutine: bool, wraps_coroutine: bool
) -> None:
    found = signature(function)
    assert (found.is_coroutine, found.wraps_coroutine) == (is_coroutine, wraps_coroutine)


def generator() -> Any:
    yield 1


async def async_generator() -> Any:
    yield 1


class Generating:
    def __call__(self) -> Any:
        yield 1


@pytest.mark.parametrize(
    "function",
    [generator, async_generator, wrapped(generator), functools.partial(async_generator), Generating()],
)
def test_generator_is_refused_with_advice(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"^f is a generator, .* return a list, or use stream_to_connection"):
        signature(function)


def test_annotation_that_cannot_be_evaluated_names_the_function() -> None:
    def function(what: "Later") -> None: ...  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(TypeError, match=r"^f has an annotation that .* name 'Later' is not defined"):
        signature(function)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (plain, "plain"),
        (Callback(), "Callback"),
        (functools.partial(functools.partial(plain)), "plain"),
        (functools.partial(Callback()), "Callback"),
    ],
)
def test_whatever_can_be_called_has_a_name(function: object, name: str) -> None:
    assert name_of(function) == name


def keyword_only(*, what: str) -> None: ...


def rest(*what: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "takes_it"),
    [(lambda what: what, True), (keyword_only, False), (rest, False), (plain, False)],
)
def test_one_parameter_that_is_given_by_position_is_told_apart(
    function: Callable[..., Any], takes_it: bool
) -> None:
    assert Signature(function, "f").takes_only("what") is takes_it
