"""Bodies: what values become, and which are refused because a client could not read them."""

import enum
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from serverless_signalr._rest.encoding import json_body, message
from serverless_signalr.errors import PayloadTooLargeError
from serverless_signalr.protocol.names import MAX_BODY
from serverless_signalr.protocol.values import MAX_DEPTH


def test_message_is_the_body_of_the_service() -> None:
    assert json.loads(message("m", ("a", 1, {"x": True}))) == {
        "target": "m",
        "arguments": ["a", 1, {"x": True}],
    }


def test_target_must_not_be_empty() -> None:
    with pytest.raises(ValueError, match="the target of a message must not be empty"):
        message("", ())


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        ("null", "null"),
        ([None, 1.5, "é"], [None, 1.5, "é"]),
        (2**70, 2**70),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        (Point(1, 2), {"x": 1, "y": 2}),
        (b"\x00\xff", "AP8="),
        ((1, 2), [1, 2]),
    ],
    ids=["none", "text null", "list", "large", "date", "uuid", "enum", "dataclass", "bytes", "tuple"],
)
def test_value_is_written_as_json(value: object, written: object) -> None:
    assert json.loads(json_body(value)) == written


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_number_that_json_cannot_carry_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="is not JSON compliant"):
        message("m", [{"x": [number]}])


def test_largest_body_is_accepted() -> None:
    assert len(json_body("x" * (MAX_BODY - 2))) == MAX_BODY


def test_larger_body_is_refused_with_both_sizes() -> None:
    with pytest.raises(
        PayloadTooLargeError, match=r"the message has 1,048,577 bytes, .* accepts 1,048,576"
    ) as raised:
        json_body("é" * ((MAX_BODY - 2) // 2) + "x")
    assert raised.value.status is None


@pytest.mark.parametrize("target", [None, 5, b"m"])
def test_target_must_be_text(target: Any) -> None:
    with pytest.raises(TypeError, match=r"the target of a message is .*, expected text"):
        message(target, ())


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("half an emoji \ud83d", "half an emoji \ufffd"),
        ("\ude00 the other half", "\ufffd the other half"),
        ("\ud83d" + "\ude00", "\U0001f600"),
        ("\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        ("\ufffd", "\ufffd"),
    ],
    ids=["first", "second", "both", "one and both", "replaced before"],
)
@pytest.mark.parametrize("rest", [1, None], ids=["", "with null"])
def test_half_of_an_emoji_is_sent_as_dotnet_sends_it(text: str, sent: str, rest: object) -> None:
    body = message(text, [text, {text: [text]}, rest])
    assert json.loads(body) == {"target": sent, "arguments": [sent, {sent: [sent]}, rest]}


def nested(levels: int, *, of_dicts: bool = False) -> object:
    value: object = "x"
    for _ in range(levels):
        value = {"a": value} if of_dicts else [value]
    return value


@pytest.mark.parametrize("of_dicts", [False, True], ids=["lists", "objects"])
def test_message_is_as_deep_as_dotnet_clients_read(of_dicts: bool) -> None:
    value = nested(MAX_DEPTH, of_dicts=of_dicts)
    assert json.loads(message("m", [value]))["arguments"] == [value]


@pytest.mark.parametrize("of_dicts", [False, True], ids=["lists", "objects"])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100, 100_000])
def test_deeper_message_is_refused(levels: int, of_dicts: bool) -> None:
    with pytest.raises(ValueError, match=r"more than 62 levels"):
        message("m", ["beside it", nested(levels, of_dicts=of_dicts)])


def test_depth_is_not_the_number_of_brackets() -> None:
    value = [[{"a": [index]}] for index in range(500)]
    assert json.loads(message("m", ["[[[" * 100, value]))["arguments"][1] == value
