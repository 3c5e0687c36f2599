"""Frames: what is written is what is read."""

import io

import pytest

from signalr_local.worker import frames

FRAMES: list[tuple[frames.Header, bytes]] = [
    ({}, b""),
    ({"type": "log", "text": "one\ntwo"}, b""),
    ({"text": "caf\u00e9 \N{GRINNING FACE} \ud800"}, b""),
    ({"type": "result", "nested": {"a": [1, 1.5, None, True]}}, bytes(range(256))),
    ({"size": "x" * 100_000}, b"y" * 1_000_000),
]


@pytest.mark.parametrize(("header", "body"), FRAMES)
def test_a_frame_is_read_as_it_was_written(header: frames.Header, body: bytes) -> None:
    assert frames.read(io.BytesIO(frames.encode(header, body))) == (header, body)


def test_frames_follow_each_other() -> None:
    stream = io.BytesIO(b"".join(frames.encode(*frame) for frame in FRAMES))
    assert [frames.read(stream) for _ in FRAMES] == FRAMES
    assert frames.read(stream) is None


def test_a_prefix_tells_both_lengths() -> None:
    frame = frames.encode({"a": 1}, b"xyz")
    assert frames.split_prefix(frame[: frames.PREFIX.size]) == (len('{"a":1}'), 3)


def test_a_stream_that_breaks_off_has_no_frame() -> None:
    frame = frames.encode({"a": 1}, b"xyz")
    for end in range(len(frame)):
        assert frames.read(io.BytesIO(frame[:end])) is None


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_stream_is_cut_into_frames_however_it_comes(size: int) -> None:
    stream = b"".join(frames.encode(*frame) for frame in FRAMES)
    cutter, found = frames.Cutter(), []
    for start in range(0, len(stream), size):
        found += cutter.feed(stream[start : start + size])
    assert found == FRAMES
