"""Queues are flushed once in a turn of the loop."""

import asyncio

from signalr_local.emulator.delivery import Delivery
from signalr_local.emulator.limits import Limits


class Queue:
    def __init__(self) -> None:
        self.flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def touch(delivery: Delivery, queue: Queue) -> None:
    if not delivery.touched:
        delivery.arm()
    delivery.touched.append(queue)


async def test_queues_are_flushed_at_the_end_of_the_turn() -> None:
    delivery, first, second = Delivery(Limits()), Queue(), Queue()
    touch(delivery, first)
    touch(delivery, second)
    assert first.flushes == 0
    await asyncio.sleep(0)
    assert (first.flushes, second.flushes) == (1, 1)
    await asyncio.sleep(0)
    assert first.flushes == 1


async def test_a_queue_may_be_flushed_before() -> None:
    delivery, queue = Delivery(Limits()), Queue()
    delivery.flush_one(queue)
    assert queue.flushes == 1


async def test_what_is_added_while_queues_are_flushed_comes_in_the_next_turn() -> None:
    delivery, last = Delivery(Limits()), Queue()

    class Adding(Queue):
        def flush(self) -> None:
            super().flush()
            touch(delivery, last)

    touch(delivery, Adding())
    await asyncio.sleep(0)
    assert last.flushes == 0
    await asyncio.sleep(0)
    assert last.flushes == 1
