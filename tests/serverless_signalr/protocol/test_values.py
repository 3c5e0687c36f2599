"""Values to JSON and back."""

import json
import numbers
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, TypedDict
from uuid import UUID

import msgspec
import pytest

from serverless_signalr.protocol.values import MAX_DEPTH, convert, to_builtins


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Name(str):
    """What template engines return, a text that says of itself how it is to be shown."""

    __slots__ = ()

    def __str__(self) -> str:
        return "shown to people"


class Count(int):
    def __int__(self) -> int:
        return -1


class Share(float):
    def __float__(self) -> float:
        return -1.0


class Tone(StrEnum):
    LOUD = "loud"


@numbers.Integral.register
class NumpyInteger:
    def __int__(self) -> int:
        return 7


@numbers.Real.register
class NumpyFloating:
    def __float__(self) -> float:
        return 2.5


class Flat(msgspec.Struct):
    city: str
    share: float


@dataclass
class Person:
    name: str
    age: int = 0


class Place(TypedDict):
    city: str


MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone.utc)  # noqa: UP017 - the same object
UNIQUE = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(True, True, id="bool"),
        pytest.param(1, 1, id="int"),
        pytest.param(1.5, 1.5, id="float"),
        pytest.param("text", "text", id="str"),
        pytest.param([1, [2]], [1, [2]], id="list"),
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 1}}, id="dict"),
        pytest.param({1: "a"}, {"1": "a"}, id="int-key"),
        pytest.param(date(2026, 2, 3), "2026-02-03", id="date"),
        pytest.param(MOMENT, "2026-02-03T04:05:06Z", id="datetime"),
        pytest.param(b"\x00\x01", "AAE=", id="bytes"),
        pytest.param(Colour.RED, "red", id="enum"),
        pytest.param(Level.HIGH, 3, id="int-enum"),
        pytest.param({Colour.RED: 1}, {"red": 1}, id="enum-key"),
        pytest.param(UNIQUE, "12345678-1234-5678-1234-567812345678", id="uuid"),
        pytest.param(Decimal("1.10"), "1.10", id="decimal"),
        pytest.param(Person("Ann", 3), {"name": "Ann", "age": 3}, id="dataclass"),
        pytest.param([{"who": Person("Ann")}], [{"who": {"name": "Ann", "age": 0}}], id="nested"),
        pytest.param(Place(city="Bern"), {"city": "Bern"}, id="typed-dict"),
        pytest.param(Name("Ann"), "Ann", id="str-subclass"),
        pytest.param(Count(3), 3, id="int-subclass"),
        pytest.param(Share(0.5), 0.5, id="float-subclass"),
        pytest.param({Name("a"): [Name("b")]}, {"a": ["b"]}, id="str-subclass-within"),
        pytest.param(
            Person(Name("Ann"), Count(3)), {"name": "Ann", "age": 3}, id="subclasses-in-a-dataclass"
        ),
        pytest.param(Flat(Name("Bern"), Share(2.0)), {"city": "Bern", "share": 2.0}, id="in-a-struct"),
        pytest.param(NumpyInteger(), 7, id="registered-integer"),
        pytest.param(NumpyFloating(), 2.5, id="registered-real"),
        pytest.param([NumpyInteger()], [7], id="registered-integer-within"),
        pytest.param({Name("x")}, ["x"], id="set"),
        pytest.param({True: 1, None: 2, 1.5: 3}, {"true": 1, "null": 2, "1.5": 3}, id="other-keys"),
        pytest.param(Tone.LOUD, "loud", id="str-enum"),
        pytest.param("half \ud83d", "half \ufffd", id="half-an-emoji"),
        pytest.param("\ude00\ud83d", "\ufffd\ufffd", id="halves-in-the-wrong-order"),
        pytest.param("\ud83d\ude00", "\U0001f600", id="both-halves"),
        pytest.param({"\ud83d": ["\ud83d"]}, {"\ufffd": ["\ufffd"]}, id="half-an-emoji-within"),
        pytest.param(Flat("\ud83d", 1.0), {"city": "\ufffd", "share": 1.0}, id="half-an-emoji-in-a-struct"),
        pytest.param(2**70, 2**70, id="large-number"),
    ],
)
def test_value_in_terms_of_json(value: object, expected: object) -> None:
    assert to_builtins(value) == expected


@pytest.mark.parametrize("value", [Level.HIGH, Colour.RED, (1,), {Colour.RED: Level.HIGH}])
def test_result_is_made_of_what_json_knows(value: object) -> None:
    result = to_builtins(value)
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize("value", [object(), [object()], {"a": object()}, lambda: None])
def test_value_that_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        to_builtins(value)


@pytest.mark.parametrize("value", [Name("Ann"), Count(3), Share(0.5), NumpyInteger(), Tone.LOUD])
def test_a_subclass_becomes_the_type_that_json_has(value: object) -> None:
    assert type(to_builtins(value)) in (str, int, float)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), Share("-inf")])
@pytest.mark.parametrize("binary", [True, False], ids=["messagepack", "json"])
@pytest.mark.parametrize(
    "within", [lambda it: it, lambda it: [it], lambda it: {"a": it}, lambda it: Flat("", it), lambda it: {it}]
)
def test_a_number_that_json_has_not_is_refused(number: float, binary: bool, within: Any) -> None:
    with pytest.raises(ValueError, match="is not JSON compliant: send None or text instead"):
        to_builtins(within(number), binary=binary)


@pytest.mark.parametrize(
    "value", [{1: "a", "1": "b"}, {None: 1, "null": 2}, dict.fromkeys("\ud83d\ufffd", 1)]
)
def test_keys_that_read_alike_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="two keys of an object have the same text"):
        to_builtins(value)


@pytest.mark.parametrize("key", [(1,), object()])
def test_a_key_that_is_no_text_is_refused(key: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        to_builtins({key: 1})


def nested(levels: int, make: Any) -> object:
    value: object = 1
    for _ in range(levels):
        value = make(value)
    return value


WAYS = [lambda it: [it], lambda it: (it,), lambda it: {"a": it}]


@pytest.mark.parametrize("make", WAYS, ids=["list", "tuple", "object"])
def test_a_value_as_deep_as_clients_read_is_sent(make: Any) -> None:
    assert to_builtins(nested(MAX_DEPTH, make))


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 10_000])
@pytest.mark.parametrize("make", WAYS, ids=["list", "tuple", "object"])
def test_a_value_deeper_than_clients_read_is_refused(make: Any, levels: int) -> None:
    with pytest.raises(ValueError, match="a value has more than 62 levels of lists and objects"):
        to_builtins(nested(levels, make))


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="levels of lists and objects"):
        to_builtins(endless)


def test_value_stays_what_it_is_without_an_annotation() -> None:
    value = {"a": [1, None]}
    assert convert(value, Any) is value
    assert convert(value, object) is value


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        pytest.param("a", str, "a", id="str"),
        pytest.param(1, int, 1, id="int"),
        pytest.param(1, float, 1.0, id="int-as-float"),
        pytest.param(True, bool, True, id="bool"),
        pytest.param(None, str | None, None, id="optional"),
        pytest.param([1, 2], list[int], [1, 2], id="list"),
        pytest.param({"a": 1}, dict[str, int], {"a": 1}, id="dict"),
        pytest.param("2026-02-03", date, date(2026, 2, 3), id="date"),
        pytest.param("2026-02-03T04:05:06Z", datetime, MOMENT, id="datetime"),
        pytest.param("12345678-1234-5678-1234-567812345678", UUID, UNIQUE, id="uuid"),
        pytest.param("red", Colour, Colour.RED, id="enum"),
        pytest.param("AAE=", bytes, b"\x00\x01", id="bytes"),
        pytest.param({"name": "Ann"}, Person, Person("Ann"), id="dataclass"),
        pytest.param({"name": "Ann", "more": 1}, Person, Person("Ann"), id="more-than-the-dataclass"),
        pytest.param({"city": "Bern"}, Place, {"city": "Bern"}, id="typed-dict"),
        pytest.param([{"name": "Ann"}], list[Person], [Person("Ann")], id="nested"),
    ],
)
def test_json_becomes_what_the_annotation_says(value: object, annotation: Any, expected: object) -> None:
    assert convert(value, annotation) == expected


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        pytest.param(1, str, "expected string, got integer", id="number-as-text"),
        pytest.param("1", int, "expected integer, got string", id="text-as-number"),
        pytest.param(1.5, int, "expected integer, got number", id="fraction"),
        pytest.param(True, int, "expected integer, got boolean", id="bool-as-number"),
        pytest.param(1, bool, "expected boolean, got integer", id="number-as-bool"),
        pytest.param(None, str, "expected string, got null", id="null"),
        pytest.param(1, str | None, "expected string or null, got integer", id="optional"),
        pytest.param("x", list[int], "expected list, got string", id="list"),
        pytest.param([1, "x"], list[int], "expected integer, got string at $[1]", id="in-list"),
        pytest.param(
            {"name": "Ann", "age": "x"}, Person, "expected integer, got string at $.age", id="in-dataclass"
        ),
        pytest.param({}, Person, "object missing required field name", id="missing-field"),
        pytest.param("x", Person, "expected object, got string", id="text-as-object"),
        pytest.param("blue", Colour, "invalid enum value 'blue'", id="enum"),
        pytest.param("soon", date, "invalid RFC3339 encoded date", id="date"),
    ],
)
def test_value_that_does_not_fit_is_told_in_terms_of_json(
    value: object, annotation: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        convert(value, annotation)


def test_a_default_that_a_call_left_out_is_passed_on() -> None:
    @dataclass
    class Dish:
        name: str
        count: int = 1

    assert to_builtins([convert({"name": "soup"}, Dish)]) == [{"name": "soup", "count": 1}]


class Huge(int):
    """An integer of a class of its own."""


@pytest.mark.parametrize("number", [10**4300, -(10**4300), Huge(10**5000)], ids=["big", "small", "class"])
@pytest.mark.parametrize(
    "place", [lambda number: number, lambda number: [{"a": number}], lambda number: {number: 1}]
)
def test_integer_that_python_does_not_write_is_refused_with_advice(
    number: int, place: Callable[[int], object]
) -> None:
    with pytest.raises(ValueError, match=r"^an integer has more than 4,300 digits, .*: send text$"):
        to_builtins(place(number))


@pytest.mark.parametrize("number", [10**4300 - 1, 1 - 10**4300, Huge(2**80)], ids=["big", "small", "class"])
def test_large_integer_is_sent(number: int) -> None:
    assert json.loads(json.dumps(to_builtins(number))) == number
