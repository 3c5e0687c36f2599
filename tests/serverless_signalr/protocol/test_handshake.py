"""The handshake, both sides of it."""

import json

import pytest

from serverless_signalr.protocol.handshake import (
    HandshakeRequest,
    encode_request,
    encode_response,
    parse_request,
    parse_response,
)
from serverless_signalr.protocol.messages import ProtocolError


@pytest.mark.parametrize(
    ("frame", "request_"),
    [
        ('{"protocol":"json","version":1}', HandshakeRequest("json", 1)),
        ('{"version":1,"protocol":"messagepack"}', HandshakeRequest("messagepack", 1)),
        (b'{"protocol":"json","version":2,"more":[]}', HandshakeRequest("json", 2)),
    ],
    ids=["json", "messagepack", "more"],
)
def test_request_is_read(frame: str | bytes, request_: HandshakeRequest) -> None:
    assert parse_request(frame) == request_


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("", id="empty"),
        pytest.param("GET / HTTP/1.1", id="not-json"),
        pytest.param(b"\xff", id="not-utf-8"),
        pytest.param("[]", id="list"),
        pytest.param("{}", id="nothing"),
        pytest.param('{"protocol":"json"}', id="no-version"),
        pytest.param('{"version":1}', id="no-protocol"),
        pytest.param('{"protocol":"json","version":"1"}', id="text-as-version"),
        pytest.param('{"protocol":"json","version":true}', id="bool-as-version"),
        pytest.param('{"protocol":1,"version":1}', id="number-as-protocol"),
        pytest.param('{"type":6}', id="ping"),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_anything_else_is_no_request(frame: str | bytes) -> None:
    with pytest.raises(ProtocolError, match="the first message is not a handshake"):
        parse_request(frame)


def test_request_comes_back_from_its_frame() -> None:
    request = HandshakeRequest("json", 1)
    assert parse_request(encode_request(request).removesuffix("\x1e")) == request


def test_frames_end_with_the_record_separator() -> None:
    assert encode_request(HandshakeRequest("json", 1)).endswith("\x1e")
    assert encode_response().endswith("\x1e")


def test_acceptance_is_an_empty_object() -> None:
    assert encode_response() == "{}\x1e"


def test_refusal_says_why() -> None:
    frame = encode_response("The protocol 'x' is not supported.")
    assert json.loads(frame.removesuffix("\x1e")) == {"error": "The protocol 'x' is not supported."}


@pytest.mark.parametrize("error", [None, "The protocol 'x' is not supported.", "nö"])
def test_response_comes_back_from_its_frame(error: str | None) -> None:
    assert parse_response(encode_response(error).removesuffix("\x1e")) == error


@pytest.mark.parametrize("frame", ["", "[]", "null", '"no"', "[" * 100_000])
def test_anything_else_is_no_response(frame: str) -> None:
    with pytest.raises(ProtocolError, match="the server's first message is not the answer to a handshake"):
        parse_response(frame)
