"""The hub protocol as JSON: every message as its specification spells it."""

import json

import pytest

from serverless_signalr.protocol.json_protocol import FrameSplitter, encode, parse
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

FRAMES = [
    pytest.param('{"type":1,"target":"Send","arguments":[42]}', Invocation("Send", [42]), id="send"),
    pytest.param(
        '{"type":1,"invocationId":"123","target":"Send","arguments":[42,"Test"]}',
        Invocation("Send", [42, "Test"], "123"),
        id="invoke",
    ),
    pytest.param(
        '{"type":1,"headers":{"Foo":"Bar"},"target":"Send","arguments":[]}',
        Invocation("Send", [], headers={"Foo": "Bar"}),
        id="headers",
    ),
    pytest.param(
        '{"type":1,"target":"Send","arguments":[],"streamIds":["1","2"]}',
        Invocation("Send", [], stream_ids=["1", "2"]),
        id="stream-ids",
    ),
    pytest.param('{"type":2,"invocationId":"123","item":42}', StreamItem("123", 42), id="item"),
    pytest.param('{"type":2,"invocationId":"123","item":null}', StreamItem("123", None), id="null-item"),
    pytest.param('{"type":3,"invocationId":"123"}', Completion("123"), id="void"),
    pytest.param('{"type":3,"invocationId":"123","result":42}', Completion("123", 42), id="result"),
    pytest.param('{"type":3,"invocationId":"123","result":null}', Completion("123", None), id="null-result"),
    pytest.param(
        '{"type":3,"invocationId":"123","error":"It didn\'t work!"}',
        Completion("123", error="It didn't work!"),
        id="error",
    ),
    pytest.param(
        '{"type":4,"invocationId":"123","target":"Count","arguments":[1]}',
        StreamInvocation("Count", [1], "123"),
        id="stream",
    ),
    pytest.param('{"type":5,"invocationId":"123"}', CancelInvocation("123"), id="cancel"),
    pytest.param('{"type":6}', Ping(), id="ping"),
    pytest.param('{"type":7}', Close(), id="close"),
    pytest.param(
        '{"type":7,"error":"Connection closed.","allowReconnect":true}',
        Close("Connection closed.", allow_reconnect=True),
        id="close-with-error",
    ),
]


@pytest.mark.parametrize(("frame", "message"), FRAMES)
def test_frame_is_read(frame: str, message: HubMessage) -> None:
    assert parse(frame) == message


@pytest.mark.parametrize(("frame", "message"), FRAMES)
def test_message_is_written(frame: str, message: HubMessage) -> None:
    assert encode(message) == f"{frame}\x1e"


def test_frame_may_be_bytes() -> None:
    assert parse('{"type":1,"target":"é","arguments":[]}'.encode()) == Invocation("é", [])


def test_order_of_properties_is_free() -> None:
    assert parse('{"arguments":[1],"target":"Send","type":1}') == Invocation("Send", [1])


def test_properties_without_a_meaning_are_ignored() -> None:
    assert parse('{"type":6,"more":1}') == Ping()


@pytest.mark.parametrize("number", [0, 10, 99, -1])
def test_type_that_is_not_known_is_ignored(number: int) -> None:
    assert parse(json.dumps({"type": number})) is None


@pytest.mark.parametrize("message", [Ack(3), Sequence(4)])
def test_messages_of_stateful_reconnect_have_a_number(message: HubMessage) -> None:
    number = 8 if isinstance(message, Ack) else 9
    text = f'{{"type":{number},"sequenceId":{message.sequence_id}}}'  # type: ignore[union-attr]
    assert encode(message) == text + "\x1e"
    assert parse(text) == message


@pytest.mark.parametrize("number", [8, 9])
@pytest.mark.parametrize("more", [{}, {"sequenceId": "1"}, {"sequenceId": 1.5}, {"sequenceId": True}])
def test_messages_of_stateful_reconnect_without_their_number_are_refused(
    number: int, more: dict[str, object]
) -> None:
    with pytest.raises(ProtocolError, match="sequenceId"):
        parse(json.dumps({"type": number, **more}))


def test_values_stay_what_they_are() -> None:
    values: list[object] = [
        None,
        True,
        1,
        1.5,
        2**53 + 1,
        "2026-02-03T04:05:06.789Z",
        "é\u2028\x1e",
        {"B": [], "a": {}},
    ]
    frame = encode(Invocation("Send", values))
    assert parse(frame.removesuffix("\x1e")) == Invocation("Send", values)


def test_separator_inside_a_text_does_not_end_the_frame() -> None:
    assert encode(Invocation("Send", ["a\x1eb"])).count("\x1e") == 1


def test_half_of_an_emoji_can_be_sent_on() -> None:
    # What JavaScript makes of "😀".slice(0, 1); it is valid JSON.
    message = parse('{"type":1,"target":"Send","arguments":["\\ud83d"]}')
    assert message is not None
    assert json.loads(encode(message).encode().removesuffix(b"\x1e"))["arguments"] == ["\ud83d"]


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        pytest.param("", "the message is not JSON", id="empty"),
        pytest.param("{", "the message is not JSON", id="cut-short"),
        pytest.param(b"\xff", "the message is not JSON", id="not-utf-8"),
        pytest.param("[" * 100_000, "the message is not JSON", id="deep"),
        pytest.param('{"type":2,"invocationId":"1","item":NaN}', "the message is not JSON", id="nan"),
        pytest.param("[1]", "the message is a JSON list, expected an object", id="list"),
        pytest.param("6", "the message is a JSON int, expected an object", id="number"),
        pytest.param("{}", "the message's type is None, expected a number", id="no-type"),
        pytest.param('{"type":"6"}', "the message's type is '6', expected a number", id="text-as-type"),
        pytest.param('{"type":true}', "the message's type is True, expected a number", id="bool-as-type"),
        pytest.param('{"type":1,"arguments":[]}', "target is absent, expected a text", id="no-target"),
        pytest.param(
            '{"type":1,"target":5,"arguments":[]}', "target is a int, expected a text", id="number-as-target"
        ),
        pytest.param('{"type":1,"target":"Send"}', "arguments is absent, expected a list", id="no-arguments"),
        pytest.param(
            '{"type":1,"target":"Send","arguments":{}}',
            "arguments is a dict, expected a list",
            id="object-as-arguments",
        ),
        pytest.param(
            '{"type":1,"target":"Send","arguments":[],"invocationId":1}',
            "invocationId is a int, expected a text",
            id="number-as-id",
        ),
        pytest.param(
            '{"type":1,"target":"Send","arguments":[],"streamIds":[1]}',
            "streamIds is a list, expected a list of texts",
            id="number-as-stream-id",
        ),
        pytest.param(
            '{"type":1,"target":"Send","arguments":[],"headers":"x"}',
            "headers is a str, expected an object",
            id="text-as-headers",
        ),
        pytest.param('{"type":2,"item":1}', "invocationId is absent, expected a text", id="item-of-nothing"),
        pytest.param('{"type":3}', "invocationId is absent, expected a text", id="completion-of-nothing"),
        pytest.param(
            '{"type":3,"invocationId":"1","error":5}', "error is a int, expected a text", id="number-as-error"
        ),
        pytest.param(
            '{"type":3,"invocationId":"1","result":1,"error":"no"}', "result", id="result-and-error"
        ),
        pytest.param(
            '{"type":4,"target":"Count","arguments":[]}',
            "invocationId is absent, expected a text",
            id="stream-without-id",
        ),
        pytest.param('{"type":5}', "invocationId is absent, expected a text", id="cancel-of-nothing"),
        pytest.param('{"type":7,"error":5}', "error is a int, expected a text", id="number-as-reason"),
    ],
)
def test_rule_that_a_frame_breaks_is_named(frame: str | bytes, error: str) -> None:
    with pytest.raises(ProtocolError, match=f"^.*{error}"):
        parse(frame)


def test_splitter_returns_what_is_complete() -> None:
    assert FrameSplitter().feed("a\x1eb\x1ec") == ["a", "b"]


def test_splitter_keeps_what_is_incomplete() -> None:
    splitter = FrameSplitter()
    splitter.feed("a\x1eb")
    assert splitter.feed("c\x1e") == ["bc"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_pieces_of_any_size_make_the_same_frames(size: int) -> None:
    stream = "{}\x1e" + encode(Ping()) + encode(Invocation("Send", ["é"]))
    splitter = FrameSplitter()
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert [frame for piece in pieces for frame in splitter.feed(piece)] == stream.split("\x1e")[:-1]


@pytest.mark.timeout(60)
def test_pieces_of_a_message_without_end_are_not_copied_again_and_again() -> None:
    splitter, piece = FrameSplitter(), "x" * 2**16
    assert all(splitter.feed(piece) == [] for _ in range(8_000))


@pytest.mark.parametrize(
    "pieces", [["x" * 11], ["x" * 6, "x" * 5], ["x" * 6, "x" * 5 + "\x1e"], ["{}\x1e" + "x" * 11 + "\x1e{}"]]
)
def test_message_over_the_limit_is_refused(pieces: list[str]) -> None:
    splitter = FrameSplitter(limit=10)
    with pytest.raises(ProtocolError, match=r"^a message has more than 10 characters$"):
        [splitter.feed(piece) for piece in pieces]


def test_messages_within_the_limit_may_be_any_number() -> None:
    splitter = FrameSplitter(limit=10)
    assert splitter.feed(("x" * 10 + "\x1e") * 3 + "x" * 10) == ["x" * 10] * 3
    assert splitter.feed("\x1e") == ["x" * 10]


@pytest.mark.parametrize("value", [object(), float("nan"), b"x", {(1,): 2}])
def test_value_that_json_cannot_carry_is_a_protocol_error(value: object) -> None:
    with pytest.raises(ProtocolError, match=r"^the message has no form in JSON: "):
        encode(Completion("1", value))


def test_value_that_is_nested_too_deep_is_a_protocol_error() -> None:
    value: object = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ProtocolError, match=r"^the message has no form in JSON: "):
        encode(Completion("1", value))
