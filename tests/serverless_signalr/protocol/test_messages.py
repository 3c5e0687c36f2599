"""Both hub protocols, with messages and noise that Hypothesis makes up."""

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serverless_signalr.protocol import handshake, json_protocol, messagepack_protocol
from serverless_signalr.protocol.messages import (
    CancelInvocation,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    ProtocolError,
    StreamInvocation,
    StreamItem,
)
from serverless_signalr.protocol.values import to_builtins

reproducible = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Codec:
    """One hub protocol, over bytes."""

    name: str
    encode: Callable[[HubMessage], bytes]
    parse: Callable[[Any], HubMessage | None]
    splitter: Callable[[], Callable[[bytes], Sequence[str | bytes]]]


def json_splitter() -> Callable[[bytes], Sequence[str]]:
    splitter = json_protocol.FrameSplitter()
    return lambda data: splitter.feed(data.decode("latin-1"))


CODECS = [
    Codec(
        "json",
        lambda message: json_protocol.encode(message).encode(),
        lambda frame: json_protocol.parse(frame.encode("latin-1")),
        json_splitter,
    ),
    Codec(
        "messagepack",
        messagepack_protocol.encode,
        messagepack_protocol.parse,
        lambda: messagepack_protocol.FrameSplitter().feed,
    ),
]
each_codec = pytest.mark.parametrize("codec", CODECS, ids=[codec.name for codec in CODECS])

texts = st.text(st.characters(exclude_categories=["Cs"]))
names = texts.filter(bool)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)
headers = st.dictionaries(texts, texts, max_size=2)
calls = st.builds(
    Invocation,
    names,
    st.lists(values),
    st.none() | names,
    headers,
    st.lists(texts, max_size=2),
)
messages = st.one_of(
    calls,
    st.builds(StreamItem, names, values),
    st.builds(Completion, names, values),
    st.builds(Completion, names, error=texts),
    st.builds(Completion, names),
    st.builds(StreamInvocation, names, st.lists(values), names, headers, st.lists(texts, max_size=2)),
    st.builds(CancelInvocation, names),
    st.just(Ping()),
    st.builds(Close, st.none() | texts, st.booleans()),
)

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.datetimes()
    | st.builds(object),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()) | st.integers(), inner),
    max_leaves=8,
)


@each_codec
@given(sent=st.lists(messages, max_size=5), data=st.data())
@reproducible
def test_messages_come_back_wherever_their_bytes_are_cut(
    codec: Codec, sent: list[HubMessage], data: st.DataObject
) -> None:
    stream = b"".join(codec.encode(message) for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    feed = codec.splitter()
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    found = [codec.parse(frame) for piece in pieces for frame in feed(piece)]
    assert found == sent


@each_codec
@given(noise=st.lists(st.binary(max_size=60), max_size=6))
@reproducible
def test_noise_is_a_message_or_a_protocol_error(codec: Codec, noise: list[bytes]) -> None:
    feed = codec.splitter()
    with contextlib.suppress(ProtocolError):
        for piece in noise:
            for frame in feed(piece):
                codec.parse(frame)


@each_codec
@given(message=messages, data=st.data())
@reproducible
def test_a_damaged_message_is_a_message_or_a_protocol_error(
    codec: Codec, message: HubMessage, data: st.DataObject
) -> None:
    stream = bytearray(codec.encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError):
        for frame in codec.splitter()(bytes(stream)):
            codec.parse(frame)


@each_codec
@given(value=anything)
@reproducible
def test_any_value_is_encoded_or_a_protocol_error(codec: Codec, value: object) -> None:
    with contextlib.suppress(ProtocolError):
        codec.encode(Completion("1", value))


@given(value=anything)
@reproducible
def test_any_value_is_sent_or_refused(value: object) -> None:
    try:
        sent = to_builtins(value)
    except (TypeError, ValueError):
        return
    text = json.dumps(sent, allow_nan=False, ensure_ascii=False)
    assert json.loads(text.encode()) == sent


@given(noise=st.binary(max_size=40) | st.text(st.characters(), max_size=40))
@reproducible
def test_any_handshake_is_read_or_a_protocol_error(noise: str | bytes) -> None:
    for parse in (handshake.parse_request, handshake.parse_response):
        with contextlib.suppress(ProtocolError):
            parse(noise)
