"""WebSocket frames: what clients send is read whatever pieces it comes in, and rules are rules."""

import contextlib
import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalr_local.emulator.frames import (
    FrameError,
    FrameReader,
    Opcode,
    accept_key,
    close_frame,
    frame,
)


def masked(opcode: int, payload: bytes, *, is_last: bool = True, mask: bytes = b"\x01\x02\x03\x04") -> bytes:
    length = len(payload)
    if length < 126:
        head = bytes([(0x80 if is_last else 0) | opcode, 0x80 | length])
    elif length < 2**16:
        head = bytes([(0x80 if is_last else 0) | opcode, 0x80 | 126]) + length.to_bytes(2)
    else:
        head = bytes([(0x80 if is_last else 0) | opcode, 0x80 | 127]) + length.to_bytes(8)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(at)]


def read(reader: FrameReader, data: list[bytes]) -> tuple[bytes, list[tuple[Opcode, bytes]]]:
    """Return the payload of all data frames together, and the control frames."""
    content, control = b"", []
    for piece in data:
        for opcode, payload in reader.feed(piece):
            if opcode < Opcode.CLOSE:
                content += payload
            else:
                control.append((opcode, payload))
    return content, control


@given(
    payloads=st.lists(st.binary(max_size=300), max_size=8),
    masks=st.lists(st.binary(min_size=4, max_size=4), min_size=8, max_size=8),
    cuts=st.lists(st.integers(0, 10_000), max_size=30),
)
def test_payloads_arrive_unmasked_however_the_bytes_are_cut(
    payloads: list[bytes], masks: list[bytes], cuts: list[int]
) -> None:
    sent = b"".join(masked(2, payload, mask=mask) for payload, mask in zip(payloads, masks, strict=False))
    assert read(FrameReader(), pieces(sent, cuts)) == (b"".join(payloads), [])


@given(
    fragments=st.lists(st.binary(max_size=200), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 10_000), max_size=30),
)
def test_control_frames_may_come_between_fragments(fragments: list[bytes], cuts: list[int]) -> None:
    sent = b""
    for number, fragment in enumerate(fragments):
        sent += masked(0 if number else 1, fragment, is_last=number == len(fragments) - 1)
        sent += masked(9, b"%d" % number)
    expected = [(Opcode.PING, b"%d" % number) for number in range(len(fragments))]
    assert read(FrameReader(), pieces(sent, cuts)) == (b"".join(fragments), expected)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 2**16 - 1, 2**16, 300_000])
def test_frames_of_every_size_are_read(size: int) -> None:
    payload = os.urandom(size)
    assert read(FrameReader(), [masked(2, payload)])[0] == payload


@pytest.mark.parametrize("size", [0, 125, 126, 2**16 - 1, 2**16])
def test_a_frame_of_the_server_has_its_length_and_no_mask(size: int) -> None:
    made = frame(Opcode.TEXT, b"x" * size)
    assert made[0] == 0x81
    assert made[1] & 0x80 == 0
    assert made.endswith(b"x" * size)
    assert len(made) - size == (2 if size < 126 else 4 if size < 2**16 else 10)


def test_a_large_frame_is_handed_on_as_it_arrives() -> None:
    reader = FrameReader()
    sent = masked(2, b"x" * 1_000_000)
    arrived = 0
    for start in range(0, len(sent), 1000):
        arrived += sum(len(payload) for _, payload in reader.feed(sent[start : start + 1000]))
        assert arrived >= start + 1000 - 14 or arrived == 1_000_000
    assert arrived == 1_000_000


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        (frame(Opcode.TEXT, b"x"), "not masked"),
        (masked(3, b""), "begins with the byte"),
        (masked(11, b""), "begins with the byte"),
        (bytes([0xC1]) + masked(1, b"x")[1:], "begins with the byte"),
        (masked(9, b"x", is_last=False), "control frame"),
        (masked(9, b"x" * 126), "control frame"),
        (masked(0, b"x"), "continues nothing"),
        (masked(1, b"x", is_last=False) + masked(1, b"y"), "begins within another"),
        (bytes([0x82, 0xFF]) + b"\xff" * 8 + b"\0" * 4, "highest bit"),
    ],
)
def test_what_breaks_the_protocol_is_an_error_that_names_the_rule(sent: bytes, rule: str) -> None:
    with pytest.raises(FrameError, match=rule):
        read(FrameReader(), [sent])


def test_what_came_before_an_error_is_read() -> None:
    arriving = FrameReader().feed(masked(1, b"good") + frame(Opcode.TEXT, b"bad"))
    assert next(arriving) == (Opcode.TEXT, b"good")
    with pytest.raises(FrameError):
        next(arriving)


@given(st.binary(max_size=200), st.lists(st.integers(0, 1000), max_size=10))
def test_any_bytes_are_read_or_refused(data: bytes, cuts: list[int]) -> None:
    reader = FrameReader()
    with contextlib.suppress(FrameError):
        read(reader, pieces(data, cuts))


def test_the_key_of_the_rfc_is_accepted_as_there() -> None:
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("key", ["", "x", "dGhlIHNhbXBsZSBub25jZQ", "AAAA", "é" * 24])
def test_a_key_that_is_not_16_bytes_in_base64_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        accept_key(key)


def test_a_closing_frame_has_its_code() -> None:
    assert close_frame() == b"\x88\x02\x03\xe8"
    assert close_frame(1002) == b"\x88\x02\x03\xea"
