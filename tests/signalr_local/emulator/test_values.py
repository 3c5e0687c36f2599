"""Values that one protocol carries and the other does not."""

from datetime import UTC, datetime, timedelta, timezone

import msgpack
import pytest

from serverless_signalr.protocol.messages import (
    Completion,
    HubMessage,
    Invocation,
    Ping,
    StreamInvocation,
    StreamItem,
)
from signalr_local.emulator.values import for_json, for_messagepack, with_values

NOON = datetime(2020, 1, 2, 12, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"\x00\xff", "AP8="),
        (NOON, "2020-01-02T12:00:00.500000Z"),
        (NOON.astimezone(timezone(timedelta(hours=2))), "2020-01-02T12:00:00.500000Z"),
        (msgpack.Timestamp.from_datetime(NOON), "2020-01-02T12:00:00.500000Z"),
        (msgpack.ExtType(5, b"x"), None),
        ({1: b"a", b"k": [b"b"]}, {"1": "YQ==", "aw==": ["Yg=="]}),
        ([1, "x", None, True, 1.5], [1, "x", None, True, 1.5]),
    ],
)
def test_json_has_texts_for_what_it_does_not_know(value: object, expected: object) -> None:
    assert for_json(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**64 - 1, 2**64 - 1),
        (2**64, float(2**64)),
        (-(2**63) - 1, -float(2**63)),
        ("a\ud83d", "a?"),
        (NOON, msgpack.Timestamp.from_datetime(NOON)),
        ({"\ud83d": [2**70]}, {"?": [float(2**70)]}),
        ([True, None, b"x", 1.5], [True, None, b"x", 1.5]),
    ],
)
def test_messagepack_has_the_nearest_value_for_what_it_does_not_know(value: object, expected: object) -> None:
    assert for_messagepack(value) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Invocation("m", [1, 2], "7"), Invocation("m", ["1", "2"], "7")),
        (StreamInvocation("m", [1], "7"), StreamInvocation("m", ["1"], "7")),
        (StreamItem("7", 1), StreamItem("7", "1")),
        (Completion("7", 1), Completion("7", "1")),
        (Completion("7"), Completion("7")),
        (Completion("7", error="x"), Completion("7", error="x")),
        (Ping(), Ping()),
    ],
)
def test_every_value_of_a_message_is_replaced(message: HubMessage, expected: HubMessage) -> None:
    assert with_values(message, str) == expected
