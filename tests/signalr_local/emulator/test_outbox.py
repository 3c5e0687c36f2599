"""What waits for one client: in order, joined, and counted."""

import asyncio

from signalr_local.emulator.backlog import Backlog
from signalr_local.emulator.outbox import Outbox


def outbox(limit: int = 1_000_000, cuts: list[str] | None = None) -> Outbox:
    return Outbox(Backlog(limit, 2 * limit), lambda: (cuts if cuts is not None else []).append("cut"))


async def test_frames_that_wait_are_joined_in_order() -> None:
    box = outbox()
    for frame in (b"a", b"b", b"c"):
        box.put(frame)
    assert await box.take() == b"abc"
    assert box.size == 0


async def test_one_frame_is_handed_on_as_the_same_object() -> None:
    box, frame = outbox(), b"shared by all clients"
    box.put(frame)
    assert await box.take() is frame


async def test_taking_waits_for_a_frame() -> None:
    box = outbox()
    taken = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    assert not taken.done()
    box.put(b"a")
    assert await taken == b"a"


async def test_frames_are_joined_up_to_64_kib_and_a_larger_one_goes_alone() -> None:
    box = outbox()
    small, large = b"s" * 30_000, b"l" * 100_000
    for frame in (small, small, small, large, small):
        box.put(frame)
    assert [await box.take() for _ in range(4)] == [small + small, small, large, small]


async def test_a_client_for_which_more_waits_than_the_limit_is_cut_off() -> None:
    cuts: list[str] = []
    box = outbox(10, cuts)
    box.put(b"x" * 10)
    assert not cuts
    box.put(b"y")
    assert cuts == ["cut"]


async def test_what_was_taken_no_longer_counts() -> None:
    cuts: list[str] = []
    box = outbox(10, cuts)
    for _ in range(3):
        box.put(b"x" * 10)
        await box.take()
    assert not cuts


async def test_one_frame_alone_is_never_too_much() -> None:
    cuts: list[str] = []
    outbox(10, cuts).put(b"x" * 11)
    assert not cuts


async def test_after_the_end_what_waits_is_taken_and_nothing_more_put() -> None:
    box = outbox()
    box.put(b"a")
    box.finish()
    box.put(b"b")
    assert box.is_finished
    assert await box.take() == b"a"
    assert await box.take() is None


async def test_the_end_wakes_the_one_who_takes() -> None:
    box = outbox()
    taken = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    box.finish()
    assert await taken is None


async def test_nothing_is_taken_while_the_outbox_is_held() -> None:
    box = outbox()
    box.hold()
    box.put(b"a")
    taken = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    assert not taken.done()
    box.put(b"b")
    box.release()
    assert await taken == b"ab"


async def test_held_outbox_that_is_cleared_ends() -> None:
    box = outbox()
    box.hold()
    box.put(b"a")
    box.clear()
    assert await box.take() is None
