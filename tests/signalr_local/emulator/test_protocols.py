"""Messages as bytes, for clients and for the app."""

import json
from datetime import UTC, datetime

import msgpack
import pytest

from serverless_signalr.protocol.messages import Completion, Invocation, Ping, ProtocolError
from signalr_local.emulator.protocols import (
    JSON,
    MESSAGEPACK,
    PROTOCOLS,
    Frame,
    HubProtocol,
    Outgoing,
    is_framed,
)


def forwarded(protocol: HubProtocol, frame: Frame) -> bytes:
    message = protocol.parse(frame)
    assert isinstance(message, Invocation)
    return protocol.forward(message, frame)


def test_a_message_is_encoded_once_whoever_asks() -> None:
    message = Outgoing(Invocation("m", [1]))
    assert message.encode(JSON) == b'{"type":1,"target":"m","arguments":[1]}\x1e'
    assert message.encode(JSON) is message.encode(JSON)


def test_the_app_gets_a_call_without_its_separator() -> None:
    frame = b'{"type":1, "target":"m", "arguments":[1.0]}'
    assert forwarded(JSON, frame) == frame


def test_the_app_gets_a_call_without_the_clients_token() -> None:
    frame = b'{"type":1,"headers":{"Authorization":"secret"},"target":"m","arguments":[1.10]}'
    assert forwarded(JSON, frame) == b'{"type":1,"headers":{},"target":"m","arguments":[1.10]}'


def test_half_a_surrogate_pair_does_not_stop_a_message() -> None:
    frame = JSON.encode(Invocation("m", ["\ud83d"]))
    assert json.loads(frame.removesuffix(b"\x1e"))["arguments"] == ["\ud83d"]


def test_what_a_client_sends_is_cut_into_messages_and_the_rest_is_kept() -> None:
    reader = JSON.reader(100)
    assert list(reader.feed(b'{"type":6}\x1e{"\xc3')) == [b'{"type":6}']
    assert list(reader.feed(b'\xbc":1}\x1e')) == ['{"ü":1}'.encode()]


def test_bytes_that_are_no_text_break_the_protocol() -> None:
    with pytest.raises(ProtocolError, match="not UTF-8"):
        JSON.parse(b"\xff")


def test_a_handshake_may_ask_for_either_protocol() -> None:
    assert {"json": JSON, "messagepack": MESSAGEPACK} == PROTOCOLS


def test_a_message_in_messagepack_has_its_length_for_a_client() -> None:
    assert MESSAGEPACK.encode(Ping()) == b"\x02\x91\x06"


ODD_VALUES = [msgpack.Timestamp(2**33, 1), msgpack.ExtType(5, b"x"), b"\xff", {1: [None]}, 2**64 - 1]


@pytest.mark.parametrize("fields", [[1, {}, None, "m", ODD_VALUES], [1, {}, "1", "m", ODD_VALUES, ["s"]]])
def test_the_app_gets_a_call_in_messagepack_as_it_came_without_its_length(fields: list[object]) -> None:
    frame = msgpack.packb(fields)
    assert forwarded(MESSAGEPACK, frame) is frame


def test_the_app_gets_a_call_in_messagepack_without_the_clients_token() -> None:
    headers = {"Authorization": "Bearer secret", "x": "y"}
    frame = msgpack.packb([1, headers, "1", "m", ODD_VALUES, ["s"]])
    expected = msgpack.packb([1, {"x": "y"}, "1", "m", ODD_VALUES, ["s"]])
    assert forwarded(MESSAGEPACK, frame) == expected


@pytest.mark.parametrize(
    "frame",
    [
        b"\xc1",
        b"\x90",
        msgpack.packb([1, {}, None, "m", [msgpack.Timestamp(2**60)]]),
        bytes.fromhex("95 01 80 c0 a1 6d 91 81 90 01"),
    ],
    ids=["no MessagePack", "no message", "a date that is none", "a map whose key is a list"],
)
def test_what_is_no_message_in_messagepack_breaks_the_protocol(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        MESSAGEPACK.parse(frame)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_what_a_protocol_cannot_carry_is_converted(protocol: HubProtocol) -> None:
    arguments = [b"\x00\xff", datetime(2020, 1, 1, tzinfo=UTC), "\ud83d", 2**70, {b"k": [1]}]
    message = Outgoing(Invocation("m", arguments))
    (frame,) = protocol.reader(1000).feed(message.encode(protocol))
    assert isinstance(protocol.parse(frame), Invocation)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_what_is_nested_too_deeply_is_no_message(protocol: HubProtocol) -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match=r"nested too deeply|recursion limit"):
        protocol.encode(Invocation("m", [value]))


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_bytes_are_framed_where_they_are_complete_messages_and_nothing_more(protocol: HubProtocol) -> None:
    completion, ping = protocol.encode(Completion("1", "x" * 200)), protocol.encode(Ping())
    assert is_framed(completion, protocol)
    assert is_framed(completion + ping, protocol)
    for broken in (b"", completion[:-1], completion + ping[:1], ping[:1], b"\x03\x91\x63\xc1"):
        assert not is_framed(broken, protocol)


def test_what_was_encoded_elsewhere_is_not_encoded_again() -> None:
    came = MESSAGEPACK.encode(Invocation("m", [b"x"]))
    message = Outgoing(Invocation("m", [1]), {"messagepack": came})
    assert message.encode(MESSAGEPACK) == came
    assert message.read(MESSAGEPACK) == Invocation("m", [b"x"])
    assert message.read(JSON) == Invocation("m", [1])
    assert message.encode(JSON) == b'{"type":1,"target":"m","arguments":[1]}\x1e'
