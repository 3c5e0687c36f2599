"""What one client sends is handed over in turns, and only as fast as the app takes it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from serverless_signalr.protocol.messages import ProtocolError
from signalr_local.emulator.intake import TURN_BYTES, TURN_FRAMES, Intake
from signalr_local.emulator.splitters import RecordSplitter

PING = '{"type":6}\x1e'
CALL = '{"type":1,"target":"m","arguments":[]}\x1e'


class Taker:
    """Stand in for a connection."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.refused: str | None = None
        self.is_ended = False
        self.is_paused = False
        self.dispatcher: Any = SimpleNamespace(is_full=False)
        self.channel: Any = SimpleNamespace(
            pause_reading=lambda: self.pause(True), resume_reading=lambda: self.pause(False)
        )
        self.error: Exception | None = None
        self.is_read = asyncio.Event()

    def pause(self, is_paused: bool) -> None:
        self.is_paused = is_paused
        if not is_paused:
            self.is_read.set()

    def take(self, frame: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(frame)

    def refuse(self, cause: str) -> None:
        self.refused = cause
        self.is_ended = True

    def end(self, cause: str | None = None) -> None:
        self.is_ended = True
        self.is_read.set()


@pytest.fixture
async def taker() -> Taker:
    return Taker()


@pytest.fixture
async def intake(taker: Taker) -> Intake:
    return Intake(taker, RecordSplitter(2**30))


async def test_a_few_messages_are_handed_over_at_once(intake: Intake, taker: Taker) -> None:
    intake.feed(b"a\x1eb\x1ec")
    intake.feed(b"d\x1e")
    assert taker.taken == [b"a", b"b", b"cd"]
    assert not taker.is_paused


async def test_a_turn_of_before_a_restart_lets_nothing_in_while_the_app_is_busy(
    intake: Intake, taker: Taker
) -> None:
    intake.feed(b"a\x1e" * (TURN_FRAMES * 2))
    taker.dispatcher.is_full = True
    intake.restart(RecordSplitter(2**30))
    await asyncio.sleep(0)
    assert taker.is_paused
    taker.dispatcher.is_full = False
    intake.go_on()
    assert not taker.is_paused


async def test_after_many_messages_others_come_first(intake: Intake, taker: Taker) -> None:
    turns: list[int] = []
    for _ in range(3):
        asyncio.get_running_loop().call_soon(lambda: turns.append(len(taker.taken)))
    intake.feed(b"a\x1e" * (TURN_FRAMES * 3))
    assert len(taker.taken) == TURN_FRAMES
    assert taker.is_paused
    await taker.is_read.wait()
    assert turns == [TURN_FRAMES] * 3
    assert len(taker.taken) == TURN_FRAMES * 3
    assert not taker.is_paused


async def test_after_many_bytes_others_come_first(intake: Intake, taker: Taker) -> None:
    large = b"a" * (TURN_BYTES - 1) + b"\x1e"
    intake.feed(large * 5)
    assert len(taker.taken) == 2
    await taker.is_read.wait()
    assert len(taker.taken) == 5


async def test_what_comes_meanwhile_keeps_its_order(intake: Intake, taker: Taker) -> None:
    intake.feed(b"a\x1e" * (TURN_FRAMES + 1))
    intake.feed(b"b\x1ec")
    intake.feed(b"\x1ed\x1e")
    await taker.is_read.wait()
    assert taker.taken[TURN_FRAMES:] == [b"a", b"b", b"c", b"d"]


async def test_nothing_is_handed_over_while_the_app_has_enough(intake: Intake, taker: Taker) -> None:
    taker.dispatcher.is_full = True
    intake.feed(b"a\x1eb\x1ec\x1e")
    await asyncio.sleep(0)
    assert taker.taken == [b"a"]
    taker.dispatcher.is_full = False
    intake.go_on()
    assert taker.taken == [b"a", b"b", b"c"]
    assert not taker.is_paused


async def test_what_a_client_has_sent_counts_after_it_has_gone(intake: Intake, taker: Taker) -> None:
    taker.dispatcher.is_full = True
    intake.feed(b"a\x1e" * TURN_FRAMES * 3)
    intake.finish("gone")
    assert not taker.is_ended
    await taker.is_read.wait()
    assert len(taker.taken) == TURN_FRAMES * 3
    assert taker.is_ended


async def test_after_the_end_nothing_is_handed_over(intake: Intake, taker: Taker) -> None:
    intake.feed(b"a\x1e" * (TURN_FRAMES + 5))
    taker.is_ended = True
    intake.clear()
    await taker.is_read.wait()
    assert len(taker.taken) == TURN_FRAMES


@pytest.mark.parametrize(
    ("error", "cause"),
    [(ProtocolError("no message"), "no message"), (MemoryError("all"), "MemoryError: all")],
)
async def test_whatever_goes_wrong_refuses_the_client(
    intake: Intake, taker: Taker, error: Exception, cause: str
) -> None:
    taker.error = error
    intake.feed(b"a\x1eb\x1e")
    assert taker.refused == cause


async def test_others_are_served_while_a_large_post_is_read(service: Any) -> None:
    poller, other = await service.poller(), await service.connect()
    await poller.shake_hands()
    order: list[str] = []

    async def post() -> None:
        await poller.post(PING * 100_000 + CALL)
        order.append("post")

    async def call() -> None:
        await other.invoke("nobody")
        order.append("call")

    connection = service.emulator.hubs["chat"].connections[poller.connection_id]
    async with asyncio.timeout(60):
        await post()
        await call()
        is_still_read = not connection.dispatcher.waiting and connection._intake._unread is not None
    assert is_still_read
    assert order == ["post", "call"]


async def test_many_small_frames_are_taken_in_together(service: Any) -> None:
    client = await service.connect()
    for byte in CALL.replace('"type":1', '"type":1,"invocationId":"7"'):
        await client.socket.send_bytes(byte.encode())
    assert (await client.next())["invocationId"] == "7"
