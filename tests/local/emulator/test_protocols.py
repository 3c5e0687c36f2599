"""Messages as bytes, for clients and for the app."""

import json

import pytest

from local.emulator.protocols import JSON, MESSAGEPACK, PROTOCOLS, Outgoing
from signalr.protocol.messages import Invocation, Ping, ProtocolError


def test_a_message_is_encoded_once_whoever_asks() -> None:
    message = Outgoing(Invocation("m", [1]))
    assert message.encode(JSON) == b'{"type":1,"target":"m","arguments":[1]}\x1e'
    assert message.encode(JSON) is message.encode(JSON)


def test_the_app_gets_a_message_without_its_separator() -> None:
    assert JSON.encode_body(Ping()) == b'{"type":6}'


def test_half_a_surrogate_pair_does_not_stop_a_message() -> None:
    frame = JSON.encode(Invocation("m", ["\ud83d"]))
    assert json.loads(frame.removesuffix(b"\x1e"))["arguments"] == ["\ud83d"]


def test_what_a_client_sends_is_cut_into_messages_and_the_rest_is_kept() -> None:
    reader = JSON.reader()
    assert reader.feed('{"type":6}\x1e{"ü":'.encode()) == ['{"type":6}']
    assert reader.feed(b"1}\x1e") == ['{"ü":1}']


def test_bytes_that_are_no_text_break_the_protocol() -> None:
    with pytest.raises(ProtocolError, match="not UTF-8"):
        JSON.reader().feed(b"\xff\x1e")


def test_a_handshake_may_ask_for_either_protocol() -> None:
    assert {"json": JSON, "messagepack": MESSAGEPACK} == PROTOCOLS


def test_a_message_in_messagepack_has_its_length_for_a_client_and_none_for_the_app() -> None:
    assert MESSAGEPACK.encode(Ping()) == b"\x02\x91\x06"
    assert MESSAGEPACK.encode_body(Ping()) == b"\x91\x06"


def test_what_was_encoded_elsewhere_is_not_encoded_again() -> None:
    message = Outgoing(Invocation("m", [1]), {"messagepack": b"as it came"})
    assert message.encode(MESSAGEPACK) == b"as it came"
    assert message.encode(JSON) == b'{"type":1,"target":"m","arguments":[1]}\x1e'
