"""Headers of frames: whatever the worker writes is read, and the other way round."""

import json
import math
from typing import Any

import pytest

from signalr_local.host import frame_headers
from signalr_local.worker import frames

HEADERS: list[dict[str, Any]] = [
    {},
    {"text": "caf\u00e9 \N{GRINNING FACE}\n"},
    {"text": "half of a pair: \ud800"},
    {"numbers": [1, -1.5, 1e300, 1 << 80, -(1 << 63)]},
    {"too large": math.inf},
    {"nested": {"a": [None, True, {"b": []}]}},
]


@pytest.mark.parametrize("header", HEADERS)
def test_what_the_worker_writes_is_read(header: dict[str, Any]) -> None:
    assert frames.Cutter(frame_headers.decode).feed(frames.encode(header)) == [(header, b"")]


@pytest.mark.parametrize("header", HEADERS[:4])
def test_the_worker_reads_what_is_written(header: dict[str, Any]) -> None:
    assert json.loads(frame_headers.encode(header)) == header


def test_a_number_that_is_none_is_read() -> None:
    assert math.isnan(frame_headers.decode(b"[NaN]")[0])


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        frame_headers.decode(b"{]")
