"""The body of a REST request, in each of its forms."""

import json
import tracemalloc
from http import HTTPStatus

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serverless_signalr.protocol.messages import HubMessage, Invocation, StreamItem
from signalr_local.emulator.bodies import check_content_type, read_item, read_message, read_value
from signalr_local.emulator.call import Body, RestError
from signalr_local.emulator.protocols import JSON, MESSAGEPACK, Outgoing

TYPES = {JSON: "application/json", MESSAGEPACK: "application/x-msgpack"}
FRAMES = "application/octet-stream"

VECTOR = bytes.fromhex(
    "82a46a736f6ec4287b2274797065223a312c22746172676574223a226d222c22617267756d656e7473223a5b315d7d1e"
    "ab6d6573736167657061636bc40a09960180c0a16d910190"
)
"""What the .NET SDK sends for the target m and the argument 1."""


def frames(**messages: HubMessage) -> bytes:
    packed: bytes = msgpack.packb(
        {name: (JSON if name == "json" else MESSAGEPACK).encode(item) for name, item in messages.items()}
    )
    return packed


def both(message: Outgoing) -> list[HubMessage]:
    return [message.read(JSON), message.read(MESSAGEPACK)]


def test_frames_are_handed_on_as_they_came() -> None:
    message = read_message(FRAMES, VECTOR)
    assert message.encode(JSON) == b'{"type":1,"target":"m","arguments":[1]}\x1e'
    assert message.encode(MESSAGEPACK) == bytes.fromhex("09960180c0a16d910190")


@pytest.mark.parametrize("name", ["json", "messagepack"])
def test_a_frame_for_one_protocol_is_converted_for_the_other(name: str) -> None:
    call = Invocation("m", [1, {"a": None}])
    message = read_message(FRAMES, frames(**{name: call}))
    assert both(message) == [call, call]
    assert message.encode(JSON) == JSON.encode(call)
    assert message.encode(MESSAGEPACK) == MESSAGEPACK.encode(call)


def test_bytes_in_the_one_frame_that_there_is_are_text_in_json() -> None:
    message = read_message(FRAMES, frames(messagepack=Invocation("m", [b"\x00\xff"])))
    assert message.encode(JSON) == b'{"type":1,"target":"m","arguments":["AP8="]}\x1e'


def test_each_client_is_asked_with_the_frame_of_its_protocol() -> None:
    message = read_message(
        FRAMES, frames(json=Invocation("m", ["AP8="]), messagepack=Invocation("m", [b"\x00\xff"]))
    )
    assert both(message) == [Invocation("m", ["AP8="]), Invocation("m", [b"\x00\xff"])]


@pytest.mark.parametrize(
    "value",
    [
        {"target": "m", "arguments": [1]},
        {"Target": "m", "ARGUMENTS": [1]},
        {"target": "m", "arguments": [1], 7: 8},
    ],
)
def test_messagepack_is_what_json_would_be(value: object) -> None:
    assert both(read_message("application/x-msgpack", msgpack.packb(value))) == [Invocation("m", [1])] * 2


def test_lists_that_announce_more_than_there_is_reserve_no_memory() -> None:
    tracemalloc.start()
    with pytest.raises(RestError, match="not valid MessagePack"):
        read_message("application/x-msgpack", b"\xdc\x04\x00" * 400 + b"\0" * 1000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 300_000


def test_text_in_messagepack_that_is_not_utf_8_is_replaced_as_in_net() -> None:
    message = read_message("application/x-msgpack", b"\x82\xa6target\xa1m\xa9arguments\x91\xa1\xff")
    assert "\ufffd".encode() in message.encode(JSON)


def test_what_only_messagepack_has_is_text_for_clients_of_json() -> None:
    message = read_message(
        "application/x-msgpack", msgpack.packb({"target": "m", "arguments": [b"\x00\xff"]})
    )
    assert message.read(MESSAGEPACK) == Invocation("m", [b"\x00\xff"])
    assert message.encode(JSON) == b'{"type":1,"target":"m","arguments":["AP8="]}\x1e'


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        (FRAMES, b"\xc1", "The request body is not valid MessagePack"),
        (FRAMES, b"\x90", "The request body must be a map with a message for json or messagepack."),
        (FRAMES, b"\x80", "The request body must be a map with a message for json or messagepack."),
        (
            FRAMES,
            frames(json=StreamItem("s", 1)),
            "The frame for the protocol json in the request body is not a message",
        ),
        ("application/x-msgpack", b"\xc1", "The request body is not valid MessagePack: FormatError."),
        ("application/x-msgpack", b"\x81\x90\x01", "The request body is not valid MessagePack: TypeError."),
        (
            "application/x-msgpack",
            b"\x91" * 2000 + b"\xc0",
            "The request body is not valid MessagePack: StackError.",
        ),
        ("application/x-msgpack", b"", "Message in request body is required."),
        ("application/x-msgpack", b"\x90", "The request body must be a JSON object such as"),
        ("application/x-msgpack", b"\x80", "The Target field is required."),
        ("application/x-msgpack", msgpack.packb({"target": b"m"}), "The Target field is required."),
    ],
)
def test_what_is_no_message_is_400(content_type: str, body: bytes, message: str) -> None:
    with pytest.raises(RestError) as refused:
        read_message(content_type, body)
    assert refused.value.status == HTTPStatus.BAD_REQUEST
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("value", [None, "", 0, {"item": 1}, [[]]])
@pytest.mark.parametrize("protocol", [JSON, MESSAGEPACK])
def test_an_item_of_a_stream_is_the_value_itself(protocol: object, value: object) -> None:
    body = json.dumps(value).encode() if protocol is JSON else msgpack.packb(value)
    content_type = "application/json" if protocol is JSON else "application/x-msgpack"
    assert both(read_item(content_type, body, "s")) == [StreamItem("s", value)] * 2


def test_an_item_of_a_stream_may_come_as_frames() -> None:
    item = StreamItem("s", 1)
    message = read_item(FRAMES, frames(json=item, messagepack=item), "s")
    assert message.encode(JSON) == b'{"type":2,"invocationId":"s","item":1}\x1e'


@pytest.mark.parametrize("wrong", [StreamItem("other", 1), Invocation("m", [])])
def test_frames_have_to_be_items_of_this_stream(wrong: HubMessage) -> None:
    with pytest.raises(RestError, match="for the protocol json"):
        read_item(FRAMES, frames(json=wrong), "s")


def test_a_value_is_anything_that_json_has() -> None:
    assert read_value("application/json", b"[1]") == [1]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (Body.MESSAGE, "text/plain"),
        (Body.ITEM, "text/plain"),
        (Body.JSON, "application/x-msgpack"),
        (Body.JSON, FRAMES),
    ],
)
def test_a_content_type_that_is_not_known_is_415(body: Body, content_type: str) -> None:
    with pytest.raises(RestError, match="expected application/json") as refused:
        check_content_type(content_type, body)
    assert refused.value.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


TEXTS = st.text(st.characters())
"""Texts with anything in them, halves of surrogate pairs too."""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
CONTENT_TYPES = st.sampled_from(["application/json", "application/x-msgpack", FRAMES])


def read_or_refuse(content_type: str, body: bytes) -> Outgoing | HTTPStatus:
    """Return the message of a body, or the status that it is refused with."""
    try:
        return read_message(content_type, body)
    except RestError as error:
        return error.status


@settings(deadline=None)
@given(CONTENT_TYPES, st.binary())
def test_any_bytes_are_a_message_or_refused(content_type: str, body: bytes) -> None:
    found = read_or_refuse(content_type, body)
    assert found is HTTPStatus.BAD_REQUEST or isinstance(found, Outgoing)


@settings(deadline=None)
@given(TEXTS, VALUES)
def test_any_json_object_is_a_message_or_refused(target: str, value: object) -> None:
    body = json.dumps({"target": target, "arguments": [value]}).encode()
    if not target:
        with pytest.raises(RestError, match="The Target field is required"):
            read_message("application/json", body)
        return
    message = read_message("application/json", body)
    (frame,) = JSON.reader(2**20).feed(message.encode(JSON))
    parsed = JSON.parse(frame)
    assert isinstance(parsed, Invocation)
    assert parsed.arguments == [json.loads(json.dumps(value))]
    assert message.encode(MESSAGEPACK)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["json", "messagepack", "other"]), st.binary() | VALUES, max_size=3))
def test_any_map_of_frames_is_a_message_or_refused(frames: dict[str, object]) -> None:
    try:
        body = msgpack.packb(frames)
    except (OverflowError, UnicodeEncodeError):
        return
    found = read_or_refuse(FRAMES, body)
    assert found is HTTPStatus.BAD_REQUEST or isinstance(found, Outgoing)
