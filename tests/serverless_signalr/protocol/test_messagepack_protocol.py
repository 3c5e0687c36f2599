"""The hub protocol as MessagePack: every message as its specification spells it, byte for byte."""

import random
import re
import struct
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import msgpack
import pytest

from serverless_signalr.protocol.messagepack_protocol import FrameSplitter, encode, parse
from serverless_signalr.protocol.messages import (
    Ack,
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    ProtocolError,
    Sequence,
    StreamInvocation,
    StreamItem,
)

# Mostly the examples of
# https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md.
FRAMES = [
    pytest.param("96 01 80 c0 a1 6d 91 01 90", Invocation("m", [1]), id="send"),
    pytest.param(
        "96 01 80 a3 78 79 7a a6 6d 65 74 68 6f 64 91 2a 90",
        Invocation("method", [42], "xyz"),
        id="invoke",
    ),
    pytest.param(
        "96 01 81 a1 61 a1 62 c0 a1 6d 90 90", Invocation("m", [], headers={"a": "b"}), id="headers"
    ),
    pytest.param(
        "96 01 80 c0 a1 6d 90 92 a1 31 a1 32", Invocation("m", [], stream_ids=["1", "2"]), id="stream-ids"
    ),
    pytest.param("94 02 80 a3 78 79 7a 2a", StreamItem("xyz", 42), id="item"),
    pytest.param("94 02 80 a3 78 79 7a c0", StreamItem("xyz", None), id="null-item"),
    pytest.param("95 03 80 a3 78 79 7a 01 a5 45 72 72 6f 72", Completion("xyz", error="Error"), id="error"),
    pytest.param("94 03 80 a3 78 79 7a 02", Completion("xyz"), id="void"),
    pytest.param("95 03 80 a3 78 79 7a 03 2a", Completion("xyz", 42), id="result"),
    pytest.param("95 03 80 a3 78 79 7a 03 c0", Completion("xyz", None), id="null-result"),
    pytest.param(
        "96 04 80 a3 78 79 7a a6 6d 65 74 68 6f 64 91 2a 90",
        StreamInvocation("method", [42], "xyz"),
        id="stream",
    ),
    pytest.param("93 05 80 a3 78 79 7a", CancelInvocation("xyz"), id="cancel"),
    pytest.param("91 06", Ping(), id="ping"),
    pytest.param("92 07 c0", Close(), id="close"),
    pytest.param("92 07 a3 78 79 7a", Close("xyz"), id="close-with-error"),
    pytest.param("93 07 c0 c3", Close(allow_reconnect=True), id="close-with-reconnect"),
]


@pytest.mark.parametrize(("frame", "message"), FRAMES)
def test_frame_is_read(frame: str, message: HubMessage) -> None:
    assert parse(bytes.fromhex(frame)) == message


@pytest.mark.parametrize(("frame", "message"), FRAMES)
def test_message_is_written_after_its_length(frame: str, message: HubMessage) -> None:
    body = bytes.fromhex(frame)
    assert encode(message) == bytes([len(body)]) + body


def test_ping_is_the_published_one() -> None:
    assert encode(Ping()) == b"\x02\x91\x06"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        pytest.param("95 01 80 c0 a1 6d 91 01", Invocation("m", [1]), id="invocation-of-five"),
        pytest.param("95 04 80 a1 31 a1 6d 90", StreamInvocation("m", [], "1"), id="stream-of-five"),
        pytest.param("95 01 80 a0 a1 6d 90", Invocation("m", []), id="empty-id"),
        pytest.param("97 01 80 c0 a1 6d 90 90 01", Invocation("m", []), id="more-than-six"),
        pytest.param("93 07 c0 c2", Close(), id="close-without-reconnect"),
        pytest.param("94 07 c0 c3 01", Close(allow_reconnect=True), id="close-of-four"),
        pytest.param("96 01 81 01 02 c0 a1 6d 90 90", Invocation("m", [], headers={"1": "2"}), id="numbers"),
    ],
)
def test_other_form_of_a_message_is_read_too(frame: str, message: HubMessage) -> None:
    assert parse(bytes.fromhex(frame)) == message


@pytest.mark.parametrize("number", [0, 10, 99, -1])
@pytest.mark.parametrize("more", [[], [{}, "x"]], ids=["alone", "with-more"])
def test_type_that_is_not_known_is_ignored(number: int, more: list[object]) -> None:
    assert parse(msgpack.packb([number, *more])) is None


@pytest.mark.parametrize(("message", "frame"), [(Ack(3), "03 92 08 03"), (Sequence(4), "03 92 09 04")])
def test_messages_of_stateful_reconnect_have_a_number(message: HubMessage, frame: str) -> None:
    assert encode(message) == bytes.fromhex(frame)
    assert parse(bytes.fromhex(frame)[1:]) == message


@pytest.mark.parametrize("fields", [[8], [9], [8, "1"], [9, True], [8, 1, 2]])
def test_messages_of_stateful_reconnect_without_their_number_are_refused(fields: list[object]) -> None:
    with pytest.raises(ProtocolError):
        parse(msgpack.packb(fields))


VALUES: list[object] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**64 - 1,
    -(2**63),
    1.5,
    "",
    "é群\u2028",
    "x" * 70_000,
    b"",
    b"\x00\xff",
    [],
    [[1], {}],
    {},
    {"B": {"a": []}},
    {1: "a"},
]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(Invocation("Send", VALUES, "1", {"a": "b"}, ["2"]), id="invocation"),
        pytest.param(StreamInvocation("Send", VALUES, "1", {"a": "b"}, ["2"]), id="stream"),
        pytest.param(StreamItem("1", VALUES), id="item"),
        pytest.param(Completion("1", VALUES), id="result"),
    ],
)
def test_values_stay_what_they_are(message: HubMessage) -> None:
    [frame] = FrameSplitter().feed(encode(message))
    assert parse(frame) == message


def test_true_stays_true() -> None:
    message = parse(encode(Completion("1", True))[1:])
    assert isinstance(message, Completion)
    assert message.result is True


@pytest.mark.parametrize(
    ("timestamp", "moment"),
    [
        pytest.param("d6 ff 00 00 00 01", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), id="32-bits"),
        pytest.param(
            "d7 ff 77 35 94 00 00 00 00 01", datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC), id="64-bits"
        ),
        pytest.param(
            "c7 0c ff 00 00 00 00 ff ff ff ff ff ff ff ff",
            datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
            id="96-bits",
        ),
    ],
)
def test_timestamp_is_an_aware_datetime(timestamp: str, moment: datetime) -> None:
    message = parse(bytes.fromhex(f"95 01 80 c0 a1 6d 91 {timestamp}"))
    assert message == Invocation("m", [moment])


def test_datetime_that_was_read_is_written_as_it_came() -> None:
    message = Completion("0", datetime(2026, 10, 21, 8, 30, 0, 250_000, tzinfo=UTC))
    [frame] = FrameSplitter().feed(encode(message))
    assert parse(frame) == message


def test_datetime_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="tzinfo=None"):
        encode(Completion("0", datetime(2026, 10, 21)))


# What is no message.

LATE = struct.pack(">q", 2**62).hex()


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("", id="empty"),
        pytest.param("c1", id="reserved-byte"),
        pytest.param("96 01 80", id="cut-short"),
        pytest.param("91 06 06", id="more-than-a-message"),
        pytest.param("dd ff ff ff ff", id="endless-list"),
        pytest.param("d4 ff 00", id="timestamp-of-a-byte"),
        pytest.param(f"95 01 80 c0 a1 6d 91 c7 0c ff 00 00 00 00 {LATE}", id="timestamp-after-time"),
        pytest.param("95 01 80 c0 a1 6d 91 81 90 01", id="list-as-key"),
        pytest.param("95 01 80 c0 a1 6d 91 81 80 01", id="map-as-key"),
        pytest.param("91" * 5000, id="deep"),
    ],
)
def test_bytes_that_are_no_value_are_refused(frame: str) -> None:
    with pytest.raises(ProtocolError, match=r"^the message is not MessagePack: "):
        parse(bytes.fromhex(frame))


@pytest.mark.parametrize("end", [b"\0" * 1000, b"\xc1" * 1000, b""], ids=["cut-short", "broken", "deep"])
def test_lists_that_announce_more_than_there_is_reserve_no_memory(end: bytes) -> None:
    levels = 1200 if not end else 400
    frame = b"\x95\x01\x80\xc0\xa1m" + b"\xdc\x04\x00" * levels + end
    tracemalloc.start()
    with pytest.raises(ProtocolError, match="not MessagePack"):
        parse(frame)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 300_000


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(6, id="number"),
        pytest.param(None, id="nil"),
        pytest.param({"type": 6}, id="map"),
        pytest.param([], id="empty"),
        pytest.param(["6"], id="text-as-type"),
        pytest.param([True], id="bool-as-type"),
        pytest.param([None], id="nil-as-type"),
        pytest.param([[6]], id="list-as-type"),
        pytest.param([6, 1], id="ping-with-more"),
        pytest.param([1], id="invocation-of-one"),
        pytest.param([1, {}, None, "m"], id="no-arguments"),
        pytest.param([1, None, None, "m", []], id="no-headers"),
        pytest.param([1, {}, 1, "m", []], id="number-as-id"),
        pytest.param([1, {}, None, "", []], id="empty-target"),
        pytest.param([1, {}, None, 5, []], id="number-as-target"),
        pytest.param([1, {}, None, b"m", []], id="bytes-as-target"),
        pytest.param([1, {}, None, "m", {}], id="map-as-arguments"),
        pytest.param([2, {}, None, 1], id="item-of-nothing"),
        pytest.param([2, {}, "1"], id="no-item"),
        pytest.param([3, {}, None, 2], id="completion-of-nothing"),
        pytest.param([4, {}, None, "m", []], id="stream-without-id"),
        pytest.param([5, {}], id="cancel-of-nothing"),
        pytest.param([7, 5], id="number-as-reason"),
        pytest.param([7], id="close-of-one"),
    ],
)
def test_value_that_is_no_message_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError, match=r"^the message is not an array of the hub protocol$"):
        parse(msgpack.packb(value))


@pytest.mark.parametrize("ids", [[1], "1", {}, None], ids=["numbers", "text", "map", "nil"])
@pytest.mark.parametrize("kind", [1, 4], ids=["invocation", "stream"])
def test_stream_ids_that_are_no_texts_are_refused(kind: int, ids: object) -> None:
    with pytest.raises(ProtocolError, match=r"^streamIds is not a list of texts$"):
        parse(msgpack.packb([kind, {}, "1", "m", [], ids]))


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        pytest.param([0], "the completion is of the kind 0 with 0 values", id="unknown-kind"),
        pytest.param([4, 1], "the completion is of the kind 4 with 1 values", id="kind-after-the-last"),
        pytest.param([1], "the completion is of the kind 1 with 0 values", id="error-without-text"),
        pytest.param([1, 5], "the completion is of the kind 1 with 1 values", id="number-as-error"),
        pytest.param([2, 5], "the completion is of the kind 2 with 1 values", id="void-with-a-result"),
        pytest.param([3], "the completion is of the kind 3 with 0 values", id="result-without-value"),
        pytest.param([3, 1, 2], "the completion is of the kind 3 with 2 values", id="two-results"),
    ],
)
def test_completion_that_ends_in_no_known_way_is_refused(rest: list[object], message: str) -> None:
    with pytest.raises(ProtocolError, match=f"^{re.escape(message)}$"):
        parse(msgpack.packb([3, {}, "1", *rest]))


# Frames.


@pytest.mark.parametrize(
    ("length", "prefix"),
    [
        pytest.param(0x7F, "7f", id="longest-of-one-byte"),
        pytest.param(0x80, "80 01", id="shortest-of-two"),
        pytest.param(0x1480, "80 29", id="published"),
        pytest.param(0x3FFF, "ff 7f", id="longest-of-two"),
        pytest.param(0x4000, "80 80 01", id="shortest-of-three"),
        pytest.param(0x200000, "80 80 80 01", id="shortest-of-four"),
    ],
)
def test_length_is_a_number_of_seven_bits_a_byte(length: int, prefix: str) -> None:
    expected = bytes.fromhex(prefix)
    # An item of bytes that makes the message as long as it is to be.
    overhead = len(msgpack.packb([2, {}, "1", bytes(length - 8)])) - (length - 8)
    frame = encode(StreamItem("1", bytes(length - overhead)))
    assert (frame[: len(expected)], len(frame) - len(expected)) == (expected, length)


@pytest.mark.parametrize("length", [0x7F, 0x80, 0x1480, 0x3FFF, 0x4000, 0x200000])
def test_frame_of_any_length_is_found(length: int) -> None:
    message = StreamItem("1", bytes(length))
    [frame] = FrameSplitter().feed(encode(message))
    assert parse(frame) == message


def test_length_may_have_more_bytes_than_it_needs() -> None:
    assert FrameSplitter().feed(b"\x82\x80\x80\x80\x00\x91\x06") == [b"\x91\x06"]


def test_splitter_returns_what_is_complete() -> None:
    assert FrameSplitter().feed(encode(Ping()) * 2 + b"\x02\x91") == [b"\x91\x06"] * 2


def test_splitter_keeps_what_is_incomplete() -> None:
    splitter = FrameSplitter()
    splitter.feed(b"\x02\x91")
    assert splitter.feed(b"\x06") == [b"\x91\x06"]


def test_splitter_keeps_a_length_that_is_incomplete() -> None:
    message = StreamItem("1", bytes(200))
    frame = encode(message)
    splitter = FrameSplitter()
    splitter.feed(frame[:1])
    assert [parse(found) for found in splitter.feed(frame[1:])] == [message]


def test_empty_frame_is_a_frame() -> None:
    assert FrameSplitter().feed(b"\x00\x02\x91\x06") == [b"", b"\x91\x06"]


MESSAGES: list[HubMessage] = [
    Ping(),
    Invocation("Send", ["é", b"\x00", {"a": [1.5, None]}], "1"),
    StreamItem("1", bytes(300)),
    Completion("2", error="no"),
    Close("bye", allow_reconnect=True),
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 127, 100_000])
def test_pieces_of_any_size_make_the_same_frames(size: int) -> None:
    stream = b"".join(encode(message) for message in MESSAGES)
    splitter = FrameSplitter()
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert [parse(frame) for piece in pieces for frame in splitter.feed(piece)] == MESSAGES


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("80 80 80 80 80", id="more-than-five-bytes"),
        pytest.param("ff ff ff ff ff 00", id="six-bytes"),
        pytest.param("80 80 80 80 08", id="more-than-two-gigabytes"),
        pytest.param("ff ff ff ff 7f", id="largest-of-five-bytes"),
    ],
)
def test_length_that_no_message_has_is_refused(data: str) -> None:
    with pytest.raises(ProtocolError, match="length of a message"):
        FrameSplitter().feed(bytes.fromhex(data))


def test_longest_length_that_a_message_may_have_is_waited_for() -> None:
    assert FrameSplitter().feed(bytes.fromhex("ff ff ff ff 07")) == []


@pytest.mark.timeout(60)
def test_pieces_of_a_message_without_end_are_not_copied_again_and_again() -> None:
    splitter, piece = FrameSplitter(), b"x" * 2**16
    splitter.feed(bytes.fromhex("ff ff ff ff 07"))
    assert all(splitter.feed(piece) == [] for _ in range(8_000))


@pytest.mark.parametrize("pieces", [[b"\x0b"], [b"\x8b", b"\x00"], [b"\x02\x91\x06\x0b"]])
def test_message_that_announces_more_than_the_limit_is_refused(pieces: list[bytes]) -> None:
    splitter = FrameSplitter(limit=10)
    with pytest.raises(ProtocolError, match=r"^a message has 11 bytes, the limit is 10$"):
        [splitter.feed(piece) for piece in pieces]


def test_message_as_long_as_the_limit_is_a_message() -> None:
    assert FrameSplitter(limit=10).feed(b"\x0a" + b"x" * 10) == [b"x" * 10]


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(2**64, id="large-number"),
        pytest.param(-(2**63) - 1, id="small-number"),
        pytest.param("\ud83d", id="half-an-emoji"),
        pytest.param({"\ud83d": 1}, id="half-an-emoji-as-key"),
        pytest.param(nested(600), id="deep"),
        pytest.param(nested(100_000), id="deeper"),
        pytest.param(object(), id="object"),
        pytest.param(datetime(2026, 1, 2), id="naive-datetime"),
    ],
)
def test_value_that_messagepack_cannot_carry_is_a_protocol_error(value: object) -> None:
    with pytest.raises(ProtocolError, match=r"^the message has no form in MessagePack: "):
        encode(Completion("1", value))


# Anything at all.

CASES = 4000


def noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(40))


def noise_in_a_call(chance: random.Random) -> bytes:
    """Return an invocation whose last argument is noise, so that the noise is reached."""
    return bytes.fromhex("95 01 80 c0 a1 6d 91") + noise(chance)


def damaged(chance: random.Random) -> bytes:
    """Return a message with some bytes replaced, inserted or cut off."""
    [frame] = FrameSplitter().feed(encode(chance.choice(MESSAGES)))
    data = bytearray(frame)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data) + 1)
        data[at : at + chance.randrange(2)] = chance.randbytes(chance.randrange(2))
    return bytes(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.2 else data)


def value(chance: random.Random, depth: int = 0) -> object:
    if depth < 3 and chance.random() < 0.4:
        items = [value(chance, depth + 1) for _ in range(chance.randrange(5))]
        return items if chance.random() < 0.6 else {str(index): item for index, item in enumerate(items)}
    return chance.choice(
        [None, True, False, 0, 1, 2, -1, 2**40, 1.0, 3.0, "", "m", b"", b"x", msgpack.ExtType(5, b"x")]
    )


def message_of_any_values(chance: random.Random) -> bytes:
    parts = [chance.choice([{}, value(chance)]), *(value(chance) for _ in range(chance.randrange(6)))]
    return bytes(msgpack.packb([chance.choice([*range(10), value(chance)]), *parts]))


@pytest.mark.parametrize("make", [noise, noise_in_a_call, damaged, message_of_any_values])
def test_whatever_comes_is_a_message_or_a_protocol_error(make: Callable[[random.Random], bytes]) -> None:
    chance = random.Random(20)
    for data in [make(chance) for _ in range(CASES)]:
        try:
            parse(data)
        except ProtocolError:
            continue
        except Exception as error:
            raise AssertionError(data.hex(" ")) from error


def test_whatever_comes_is_split_or_a_protocol_error() -> None:
    chance = random.Random(20)
    for data in [chance.randbytes(chance.randrange(100)) for _ in range(CASES)]:
        try:
            frames = FrameSplitter().feed(data)
        except ProtocolError:
            continue
        assert sum(len(frame) for frame in frames) <= len(data), data.hex(" ")


def test_text_that_is_not_utf_8_is_read_with_replacement_characters_as_in_net() -> None:
    assert parse(bytes.fromhex("95 01 80 c0 a1 6d 91 a4 61 ed a0 80")) == Invocation(
        "m", ["a\ufffd\ufffd\ufffd"]
    )
