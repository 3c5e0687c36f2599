"""The bodies of upstream requests and their answers, by content type."""

import pytest

from serverless_signalr.protocol.bodies import BODY_FORMATS
from serverless_signalr.protocol.messages import Completion, Invocation, ProtocolError

CALL = Invocation("send", ["hi"], "1")
JSON, MESSAGEPACK = "application/json", "application/x-msgpack"


def test_there_is_a_format_for_each_hub_protocol() -> None:
    assert set(BODY_FORMATS) == {JSON, MESSAGEPACK}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param(
            JSON, b'{"type":1,"target":"send","arguments":["hi"],"invocationId":"1"}', id="json-as-sent"
        ),
        pytest.param(
            JSON,
            b'{"type":1,"target":"send","arguments":["hi"],"invocationId":"1"}\x1e',
            id="json-with-its-separator",
        ),
        pytest.param(
            MESSAGEPACK, bytes.fromhex("96 01 80 a1 31 a4 73656e64 91 a2 6869 90"), id="messagepack"
        ),
    ],
)
def test_a_body_is_one_message(content_type: str, body: bytes) -> None:
    assert BODY_FORMATS[content_type].parse(body) == CALL


@pytest.mark.parametrize("content_type", BODY_FORMATS)
@pytest.mark.parametrize("body", [b"", b"\xff", b"\x1e", b"[" * 100_000])
def test_a_body_that_is_no_message_is_a_protocol_error(content_type: str, body: bytes) -> None:
    with pytest.raises(ProtocolError):
        BODY_FORMATS[content_type].parse(body)


@pytest.mark.parametrize(
    ("content_type", "answer"),
    [
        (JSON, b'{"type":3,"invocationId":"1","result":"hi"}\x1e'),
        (MESSAGEPACK, bytes.fromhex("09 95 03 80 a1 31 03 a2 6869")),
    ],
)
def test_an_answer_is_a_frame_for_the_client(content_type: str, answer: bytes) -> None:
    assert BODY_FORMATS[content_type].encode(Completion("1", "hi")) == answer


@pytest.mark.parametrize(("content_type", "has_binary"), [(JSON, False), (MESSAGEPACK, True)])
def test_a_format_says_whether_bytes_are_values(content_type: str, has_binary: bool) -> None:
    assert BODY_FORMATS[content_type].has_binary is has_binary
