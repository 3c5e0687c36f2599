"""Messages are cut out of bytes, whatever pieces those come in, up to a limit."""

import contextlib
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_signalr.protocol import messagepack_protocol
from serverless_signalr.protocol.messages import ProtocolError
from signalr_local.emulator.splitters import RecordSplitter, SizedSplitter, Splitter

MAX = 1000


def framed_json(frames: list[bytes]) -> bytes:
    return b"".join(frame + b"\x1e" for frame in frames)


def framed_messagepack(frames: list[bytes]) -> bytes:
    return b"".join(messagepack_protocol.frame(frame) for frame in frames)


def feed_in_pieces(splitter: Splitter, data: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [frame for start, end in pairwise(at) for frame in splitter.feed(data[start:end])]


FRAMES = st.lists(st.binary(max_size=300).filter(lambda data: b"\x1e" not in data), max_size=10)
CUTS = st.lists(st.integers(0, 10_000), max_size=30)


@given(frames=FRAMES, rest=st.binary(max_size=50), cuts=CUTS)
def test_records_are_the_same_however_they_are_cut(frames: list[bytes], rest: bytes, cuts: list[int]) -> None:
    splitter = RecordSplitter(MAX)
    rest = rest.replace(b"\x1e", b"")
    assert feed_in_pieces(splitter, framed_json(frames) + rest, cuts) == frames
    assert splitter.is_empty is (not rest)


@given(frames=FRAMES, cuts=CUTS)
def test_sized_messages_are_the_same_however_they_are_cut(frames: list[bytes], cuts: list[int]) -> None:
    splitter = SizedSplitter(MAX)
    assert feed_in_pieces(splitter, framed_messagepack(frames), cuts) == frames
    assert splitter.is_empty


@given(data=st.binary(max_size=300), cuts=CUTS)
@pytest.mark.parametrize("make", [RecordSplitter, SizedSplitter])
def test_any_bytes_are_cut_or_refused(make: Callable[[int], Splitter], data: bytes, cuts: list[int]) -> None:
    with contextlib.suppress(ProtocolError):
        feed_in_pieces(make(100), data, cuts)


@pytest.mark.parametrize(
    ("splitter", "data"),
    [
        (RecordSplitter(MAX), b"x" * (MAX + 1)),
        (RecordSplitter(MAX), b"x" * (MAX + 1) + b"\x1e"),
        (SizedSplitter(MAX), messagepack_protocol.frame(b"x" * (MAX + 1))[:3]),
    ],
)
def test_a_message_over_the_limit_is_refused_before_it_is_there(splitter: Splitter, data: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"1,000|1,001"):
        list(splitter.feed(data))


@pytest.mark.parametrize(
    ("splitter", "data"),
    [
        (RecordSplitter(MAX), framed_json([b"x" * MAX])),
        (SizedSplitter(MAX), framed_messagepack([b"x" * MAX])),
    ],
)
def test_a_message_may_be_as_large_as_the_limit(splitter: Splitter, data: bytes) -> None:
    assert list(splitter.feed(data)) == [b"x" * MAX]


def test_a_large_piece_is_cut_a_little_at_a_time() -> None:
    tracemalloc.start()
    frames = RecordSplitter(MAX).feed(b"x\x1e" * 500_000)
    assert next(frames) == b"x"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000
    assert sum(1 for _ in frames) == 499_999


def test_pieces_without_end_are_refused_at_the_limit() -> None:
    splitter = RecordSplitter(MAX)
    for _ in range(MAX // 2):
        assert list(splitter.feed(b"xx")) == []
    with pytest.raises(ProtocolError):
        list(splitter.feed(b"x"))


def test_what_came_before_a_message_over_the_limit_is_read() -> None:
    frames = RecordSplitter(5).feed(b"good\x1etoo large\x1e")
    assert next(frames) == b"good"
    with pytest.raises(ProtocolError):
        next(frames)


@pytest.mark.parametrize("length", [b"\x80\x80\x80\x80\x80\x01", b"\xff\xff\xff\xff\xff"])
def test_a_length_of_more_than_5_bytes_is_refused(length: bytes) -> None:
    with pytest.raises(ProtocolError, match="5 bytes"):
        list(SizedSplitter(MAX).feed(length))


@pytest.mark.parametrize(
    ("splitter", "data"),
    [
        (RecordSplitter(2**23), b"x" * (2**23 - 1) + b"\x1e"),
        (SizedSplitter(2**23), messagepack_protocol.frame(b"x" * (2**23 - 1))),
    ],
)
def test_a_large_message_in_very_small_pieces_costs_time_in_proportion(
    splitter: Splitter, data: bytes
) -> None:
    # If each piece had a cost in proportion to what came before, this would copy two terabytes.
    frames = [frame for at in range(0, len(data), 16) for frame in splitter.feed(data[at : at + 16])]
    assert [len(frame) for frame in frames] == [2**23 - 1]
