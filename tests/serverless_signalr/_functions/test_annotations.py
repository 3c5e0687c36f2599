"""Annotations of arguments: what msgspec cannot convert is refused, and what only the app may make."""

import collections.abc
import enum
import itertools
import subprocess
import sys
import types
import typing
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import azure.functions as func
import msgspec
import pytest

from serverless_signalr import (
    Principal,
    SignalRConnectionInfo,
    SignalREndpoint,
    SignalRGroupAction,
    SignalRInvocationContext,
    SignalRMessage,
    SignalRNegotiation,
    SignalROutput,
)
from serverless_signalr._functions.annotations import check_annotation


class Text(enum.Enum):
    A = "a"


class Number(enum.Enum):
    A = 1


class MoreNumber(enum.IntEnum):
    A = 1


class MoreText(enum.StrEnum):
    A = "a"


class Fraction(enum.Enum):
    A = 1.5


class Mixed(enum.Enum):
    A = 1
    B = "b"


@dataclass
class Person:
    name: str


@dataclass
class Place:
    name: str
    people: "list[Person]" = field(default_factory=list)


@dataclass
class Tree:
    branches: "list[Tree]"


@dataclass
class Box[T]:
    content: T


class Dish(TypedDict):
    name: str


class Point(NamedTuple):
    x: int


class Struct(msgspec.Struct):
    name: str


class TaggedOne(msgspec.Struct, tag=True):
    name: str


class TaggedTwo(msgspec.Struct, tag=True):
    name: str


class Row(msgspec.Struct, array_like=True):
    name: str


type Alias = list[int]
type Wrong = str | bytes
type Generic[T] = list[T]
type Several = int | str | None
Meters = typing.NewType("Meters", int)

TYPES: list[Any] = [
    None,
    bool,
    int,
    float,
    str,
    bytes,
    bytearray,
    memoryview,
    datetime,
    date,
    time,
    timedelta,
    uuid.UUID,
    Decimal,
    Text,
    MoreText,
    Number,
    MoreNumber,
    Fraction,
    Mixed,
    Literal["x"],
    Literal["y", 1],
    Literal[1],
    Literal[True],
    Literal[b"x"],
    Person,
    Place,
    Tree,
    Box[int],
    Dish,
    Point,
    Struct,
    TaggedOne,
    TaggedTwo,
    Row,
    list,
    dict,
    tuple,
    set,
    frozenset,
    list[int],
    list[str | bytes],
    dict[str, int],
    dict[str, Person | Place],
    tuple[int, ...],
    tuple[int, str],
    tuple[()],
    Sequence,
    Mapping[str, int],
    collections.abc.Set[int],
    collections.abc.Collection[int],
    Annotated[int, "metres"],
    Alias,
    Wrong,
    Generic[int],
    Several,
    Meters,
    object,
    Any,
]


def is_refused_by_msgspec(annotation: Any) -> bool:
    """Tell whether msgspec can convert nothing at all to a type."""
    try:
        msgspec.convert(object(), annotation)
    except msgspec.ValidationError:
        return False
    except TypeError:
        return True
    return False


def is_refused(annotation: Any) -> bool:
    try:
        check_annotation(annotation)
    except TypeError:
        return True
    return False


def unions(size: int, types: Sequence[Any]) -> list[Any]:
    # msgspec looks no further where Any is in a union.
    others = [each for each in types if each is not Any]
    return [typing.Union[each] for each in itertools.combinations(others, size)]  # noqa: UP007


@pytest.mark.parametrize("annotation", TYPES, ids=str)
def test_type_is_refused_where_msgspec_refuses_it(annotation: Any) -> None:
    assert is_refused(annotation) is is_refused_by_msgspec(annotation)


@pytest.mark.parametrize("size", [2, 3])
def test_union_is_refused_where_msgspec_refuses_it(size: int) -> None:
    different = [
        annotation
        for annotation in unions(size, TYPES)
        if is_refused(annotation) is not is_refused_by_msgspec(annotation)
    ]
    assert different == []


def test_union_inside_another_type_is_looked_at() -> None:
    for annotation in unions(2, TYPES[:35]):
        listed = types.GenericAlias(list, (annotation,))
        assert is_refused(listed) is is_refused(annotation)


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        pytest.param(datetime | str, "datetime and str look the same in JSON: keep one of them", id="text"),
        pytest.param(Person | Place, "Person and Place look the same in JSON: keep one", id="objects"),
        pytest.param(list[int] | set[int], r"list\[int\] and set\[int\] look the same in JSON", id="lists"),
        pytest.param(dict[str, bytes | str], "bytes and str look the same in JSON", id="nested"),
        pytest.param(Text | Literal["x"], "Text and a literal look the same in JSON", id="literal"),
        pytest.param(int | object, "object in a union accepts everything: use Any", id="object"),
        pytest.param(complex, "JSON has no form for a complex", id="complex"),
        pytest.param(set[complex], "JSON has no form for a complex", id="set-of-complex"),
        pytest.param(collections.abc.Callable[[], int], "JSON has no form for a Callable", id="callable"),
        pytest.param(Fraction, "the values of the enum Fraction must be all text or all integers", id="enum"),
        pytest.param(Literal[b"x"], "the literal b'x' is neither text", id="literal-of-bytes"),
        pytest.param(typing.Self, "an argument cannot be converted to Self", id="self"),
        pytest.param("Person", "an argument cannot be converted to Person", id="string"),
    ],
)
def test_refusal_says_what_is_wrong(annotation: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}"):
        check_annotation(annotation)


class Caller(SignalRInvocationContext):
    """What an app derives."""


@dataclass
class Envelope:
    caller: SignalRInvocationContext
    text: str


class Form(TypedDict, total=False):
    output: SignalROutput


@pytest.mark.parametrize(
    "annotation",
    [
        SignalRInvocationContext,
        SignalRInvocationContext | None,
        list[SignalRInvocationContext],
        Annotated[SignalRInvocationContext, "caller"],
        Caller,
        Envelope,
        dict[str, Envelope],
        Form,
        Principal,
        Principal | None,
        SignalROutput,
        SignalRMessage,
        SignalRGroupAction,
        SignalRConnectionInfo,
        SignalRNegotiation,
        list[SignalREndpoint],
        func.HttpRequest,
        func.Context,
        func.Out[str],
        func.TimerRequest,
    ],
    ids=str,
)
def test_type_that_only_the_app_may_make_is_refused(annotation: Any) -> None:
    with pytest.raises(TypeError, match=r"clients"):
        check_annotation(annotation)


def test_missing_output_is_refused_with_the_decorator() -> None:
    with pytest.raises(TypeError, match=r"put @…\.signalr_output\(\) above the function"):
        check_annotation(SignalROutput)


def test_check_does_not_import_msgspec() -> None:
    script = (
        "import sys; from serverless_signalr._functions.annotations import check_annotation; "
        "check_annotation(list[int] | None); sys.exit('msgspec' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
