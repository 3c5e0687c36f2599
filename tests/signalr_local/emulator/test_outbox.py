"""What waits for one client: in order, joined, bounded."""

import asyncio

from signalr_local.emulator.outbox import Outbox


async def test_frames_that_wait_are_joined_in_order() -> None:
    outbox = Outbox(100)
    for frame in (b"a", b"b", b"c"):
        outbox.put(frame)
    assert await outbox.take() == b"abc"
    assert outbox.size == 0


async def test_one_frame_is_handed_on_as_the_same_object() -> None:
    outbox, frame = Outbox(100), b"shared by all clients"
    outbox.put(frame)
    assert await outbox.take() is frame


async def test_taking_waits_for_a_frame() -> None:
    outbox = Outbox(100)
    taken = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    assert not taken.done()
    outbox.put(b"a")
    assert await taken == b"a"


async def test_frames_are_joined_up_to_64_kib_and_a_larger_one_goes_alone() -> None:
    outbox = Outbox(1_000_000)
    small, large = b"s" * 30_000, b"l" * 100_000
    for frame in (small, small, small, large, small):
        outbox.put(frame)
    assert [await outbox.take() for _ in range(4)] == [small + small, small, large, small]


async def test_putting_tells_when_more_waits_than_the_limit() -> None:
    outbox = Outbox(10)
    assert outbox.put(b"x" * 10)
    assert not outbox.put(b"y")
    await outbox.take()
    assert outbox.put(b"z")


async def test_one_frame_alone_is_never_too_much() -> None:
    assert Outbox(10).put(b"x" * 11)


async def test_after_the_end_what_waits_is_taken_and_nothing_more_put() -> None:
    outbox = Outbox(100)
    outbox.put(b"a")
    outbox.finish()
    outbox.put(b"b")
    assert outbox.is_finished
    assert await outbox.take() == b"a"
    assert await outbox.take() is None


async def test_the_end_wakes_who_takes() -> None:
    outbox = Outbox(100)
    taken = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.finish()
    assert await taken is None
