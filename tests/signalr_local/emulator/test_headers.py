"""A client's message on its way to the app, without the client's token."""

import json

import msgpack
import pytest

from signalr_local.emulator.headers import has_token, without_token_json, without_token_messagepack


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_a_token_is_found_however_its_header_is_spelled(name: str) -> None:
    assert has_token({"x": "y", name: "Bearer secret"})
    assert not has_token({"x": "y"})


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (
            '{"type":1,"headers":{"Authorization":"secret","x":"y"},"target":"m","arguments":[1.10,1e400]}',
            '{"type":1,"headers":{"x":"y"},"target":"m","arguments":[1.10,1e400]}',
        ),
        (
            ' {\t"arguments" : [ -0 , "\\ud83d}" ],\n "headers" : {"authorization":"s"} , "target":"m"} ',
            ' {\t"arguments" : [ -0 , "\\ud83d}" ],\n "headers" : {} , "target":"m"} ',
        ),
        (
            '{"headers":{"authorization":"secret"},"headers":{"AUTHORIZATION":"secret"}}',
            '{"headers":{},"headers":{}}',
        ),
        ('{"\\u0068eaders":{"authorization":"secret"}}', '{"\\u0068eaders":{}}'),
        ('{"arguments":[{"headers":{"authorization":"mine"}}]}', None),
        ('{"headers":null,"x":"}"}', None),
        ("{}", None),
    ],
)
def test_only_the_token_of_the_message_itself_is_taken_out_of_json(frame: str, expected: str | None) -> None:
    assert without_token_json(frame) == (frame if expected is None else expected)
    json.loads(without_token_json(frame))


def test_everything_but_the_token_keeps_its_bytes_in_messagepack() -> None:
    # A float of 32 bits, a 5 in three bytes, a timestamp of 64 bits, text that is not UTF-8.
    arguments = bytes.fromhex("94 ca3dcccccd cd0005 d7ff1c9c3800695735a5 a3eda080")
    headers = msgpack.packb({"Authorization": "Bearer secret", "x": "y"})
    body = b"\x96\x01" + headers + b"\xa11\xa1m" + arguments + b"\x90"
    expected = b"\x96\x01" + msgpack.packb({"x": "y"}) + b"\xa11\xa1m" + arguments + b"\x90"
    assert without_token_messagepack(body) == expected


def test_large_messages_in_messagepack_lose_their_token_too() -> None:
    body: bytes = msgpack.packb([1, {"authorization": "secret"}, None, "m", [b"x" * 2_000_000], []])
    assert without_token_messagepack(body) == msgpack.packb([1, {}, None, "m", [b"x" * 2_000_000], []])
