"""The handshake, whatever bytes a client opens its connection with and whatever pieces they come in."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_signalr.protocol.handshake import HandshakeRequest, encode_request
from serverless_signalr.protocol.messages import ProtocolError
from signalr_local.emulator.opening import Accepted, Opening
from signalr_local.emulator.transports import EVENT_STREAM, LONG_POLLING, WEBSOCKETS, Transport

MAX = 1000

CUTS = st.lists(st.integers(0, 10_000), max_size=30)
TRANSPORTS = st.sampled_from((WEBSOCKETS, EVENT_STREAM, LONG_POLLING))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=10), values, max_size=3),
    max_leaves=10,
)
REQUESTS = st.builds(
    HandshakeRequest,
    st.sampled_from(("json", "messagepack", "JSON", "blazorpack", "")) | st.text(max_size=20),
    st.integers(-5, 5) | st.integers(),
).map(lambda request: encode_request(request).encode())


def feed(transport: Transport, data: bytes, cuts: list[int]) -> Accepted | str | None:
    """Return what was agreed on, or the text of the refusal; the rest counts from the handshake on."""
    opening = Opening(transport, MAX)
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(at):
        try:
            accepted = opening.feed(data[start:end])
        except ProtocolError as error:
            return str(error)
        if accepted is not None:
            return accepted._replace(rest=accepted.rest + data[end:])
    return None


@given(data=REQUESTS | st.binary(max_size=MAX), tail=st.binary(max_size=50), transport=TRANSPORTS, cuts=CUTS)
def test_bytes_mean_the_same_in_whatever_pieces_they_come(
    data: bytes, tail: bytes, transport: Transport, cuts: list[int]
) -> None:
    assert feed(transport, data + tail, cuts) == feed(transport, data + tail, [])


@given(
    protocol=st.sampled_from(("json", "messagepack")),
    version=st.integers(-(2**70), 2),
    rest=st.binary(max_size=100),
    cuts=CUTS,
)
def test_a_known_protocol_is_agreed_on_and_what_follows_is_kept(
    protocol: str, version: int, rest: bytes, cuts: list[int]
) -> None:
    accepted = feed(WEBSOCKETS, encode_request(HandshakeRequest(protocol, version)).encode() + rest, cuts)
    assert isinstance(accepted, Accepted)
    assert (accepted.protocol.name, accepted.version, accepted.rest) == (protocol, version, rest)


@given(data=st.binary(min_size=MAX + 1, max_size=MAX + 200).map(lambda data: data.replace(b"\x1e", b"a")))
def test_a_handshake_without_an_end_is_refused_beyond_the_limit(data: bytes) -> None:
    assert feed(WEBSOCKETS, data, []) == "An unexpected error occurred during connection handshake."


@given(version=st.integers(min_value=3))
def test_a_version_that_is_too_new_is_refused_by_number(version: int) -> None:
    refused = feed(WEBSOCKETS, encode_request(HandshakeRequest("json", version)).encode(), [])
    assert refused == f"The server does not support version {version} of the 'json' protocol."


@given(protocol=st.text(max_size=30).filter(lambda name: name.lower() not in ("json", "messagepack")))
def test_an_unknown_protocol_is_refused_by_name(protocol: str) -> None:
    refused = feed(WEBSOCKETS, encode_request(HandshakeRequest(protocol, 1)).encode(), [])
    assert refused == f"The protocol '{protocol}' is not supported."


@pytest.mark.parametrize(
    ("transport", "is_accepted"), [(WEBSOCKETS, True), (LONG_POLLING, True), (EVENT_STREAM, False)]
)
def test_messagepack_needs_a_transport_that_carries_bytes(transport: Transport, is_accepted: bool) -> None:
    answer = feed(transport, encode_request(HandshakeRequest("messagepack", 1)).encode(), [])
    assert isinstance(answer, Accepted) is is_accepted


@given(value=JSON)
def test_json_that_is_no_handshake_is_refused(value: object) -> None:
    if isinstance(value, dict) and {"protocol", "version"} <= value.keys():
        return
    refused = feed(WEBSOCKETS, json.dumps(value).encode() + b"\x1e", [])
    assert refused == "An unexpected error occurred during connection handshake."
