"""Lines, however the bytes arrive."""

import pytest

from signalr_local.worker.lines import LineCutter


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\r\ntwo\r\n", [b"one", b"two"]),
        (b"\n\n", [b"", b""]),
        (b"\r\n", [b""]),
        (b"10%\r20%\r30%\n", [b"10%", b"20%", b"30%"]),
        (b"\r10%\r20%\ndone\n", [b"10%", b"20%", b"done"]),
        (b"rest", []),
    ],
    ids=["unix", "windows", "blank", "windows-blank", "progress", "progress-first", "unfinished"],
)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lines_are_the_same_whatever_the_pieces(data: bytes, lines: list[bytes], size: int) -> None:
    cutter = LineCutter()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert [line for piece in pieces for line in cutter.feed(piece)] == lines


def test_the_last_line_may_have_no_end() -> None:
    cutter = LineCutter()
    assert cutter.feed(b"one\ntwo") == [b"one"]
    assert cutter.end() == [b"two"]
    assert cutter.end() == []


def test_a_line_that_does_not_end_is_passed_on_in_parts() -> None:
    cutter = LineCutter()
    found = [line for _ in range(64) for line in cutter.feed(b"x" * 65_536)]
    assert len(found) > 1
    assert len(b"".join([*found, *cutter.end()])) == 64 * 65_536
