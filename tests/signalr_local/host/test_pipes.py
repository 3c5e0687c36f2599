"""The pipes between host and worker: frames and lines, however the bytes arrive."""

import asyncio
import os
import sys
from typing import Any

import pytest

from signalr_local.host.pipes import Outgoing, Pipes
from signalr_local.worker import frames

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class Heard:
    """Keep what pipes pass on."""

    def __init__(self) -> None:
        self.frames: list[tuple[dict[str, Any], bytes]] = []
        self.lines: list[str] = []
        self.pipes = Pipes(lambda header, body: self.frames.append((header, body)), self.lines.append)


FRAMES: list[tuple[dict[str, Any], bytes]] = [
    ({"type": "log", "text": "é"}, b""),
    ({"type": "result"}, b"\0" * 1000),
    ({"n": 1}, b"body"),
]


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
async def test_frames_are_the_same_however_they_are_cut(size: int) -> None:
    heard = Heard()
    data = b"".join(frames.encode(header, body) for header, body in FRAMES)
    for start in range(0, len(data), size):
        heard.pipes.pipe_data_received(_STDOUT, data[start : start + size])
    assert heard.frames == FRAMES


async def test_lines_are_passed_on_as_they_end_and_the_last_at_the_end() -> None:
    heard = Heard()
    heard.pipes.pipe_data_received(_STDERR, b"one\ntw")
    assert heard.lines == ["one"]
    heard.pipes.pipe_data_received(_STDERR, b"o\n\xffthree")
    heard.pipes.pipe_connection_lost(_STDERR, None)
    assert heard.lines == ["one", "two", "\N{REPLACEMENT CHARACTER}three"]


async def test_it_is_drained_when_both_outputs_have_ended() -> None:
    pipes = Heard().pipes
    pipes.process_exited()
    pipes.pipe_connection_lost(_STDIN, None)
    pipes.pipe_connection_lost(_STDOUT, None)
    assert (pipes.exited.is_set(), pipes.drained.is_set()) == (True, False)
    pipes.pipe_connection_lost(_STDERR, None)
    assert pipes.drained.is_set()


PROGRAM = """
import os
os.write(2, b"a line\\n")
os.write(1, bytes.fromhex("{frame}"))
"""


async def test_what_a_process_writes_is_taken_in_the_order_in_which_it_came() -> None:
    taken: list[object] = []
    pipes = Pipes(lambda header, _: taken.append(header), taken.append)
    frame = frames.encode({"type": "log"}).hex()
    transport, _ = await asyncio.get_running_loop().subprocess_exec(
        lambda: pipes, sys.executable, "-c", PROGRAM.format(frame=frame)
    )
    pipes.shorten(transport)
    # Both are there before any of them is read.
    os.waitid(os.P_PID, transport.get_pid(), os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222
    await pipes.drained.wait()
    transport.close()
    assert taken == ["a line", {"type": "log"}]


class Pipe(asyncio.WriteTransport):
    """Keep what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


async def test_the_first_frame_of_a_turn_goes_at_once_and_the_others_together() -> None:
    pipe = Pipe()
    outgoing = Outgoing(pipe)
    for frame in (b"1", b"2", b"3"):
        outgoing.write(frame)
    assert pipe.written == [b"1"]
    await asyncio.sleep(0)
    assert pipe.written == [b"1", b"23"]


async def test_a_frame_that_is_alone_goes_at_once_but_never_before_others() -> None:
    pipe = Pipe()
    outgoing = Outgoing(pipe)
    outgoing.write(b"1", is_alone=True)
    outgoing.write(b"2", is_alone=True)
    assert pipe.written == [b"1", b"2"]
    outgoing.write(b"3")
    outgoing.write(b"4")
    outgoing.write(b"5", is_alone=True)
    await asyncio.sleep(0)
    assert pipe.written == [b"1", b"2", b"3", b"45"]


async def test_frames_for_a_pipe_that_was_closed_are_dropped() -> None:
    pipe = Pipe()
    outgoing = Outgoing(pipe)
    outgoing.write(b"1")
    outgoing.write(b"2")
    outgoing.close()
    await asyncio.sleep(0)
    outgoing.write(b"3")
    assert pipe.written == [b"1"]
