"""Waiting on a clock, which is the event loop or a clock of a test."""

import asyncio

import pytest

from serverless_signalr._answers.clock import wait
from tests.serverless_signalr._answers.streams import FakeClock


async def test_wait_ends_when_the_seconds_have_passed(time: FakeClock) -> None:
    waiting = asyncio.create_task(wait(time, 5))
    await time.advance(4.9)
    assert not waiting.done()
    await time.advance(0.1)
    assert waiting.done()


async def test_wait_that_is_cancelled_leaves_no_timer(time: FakeClock) -> None:
    waiting = asyncio.create_task(wait(time, 5))
    await time.advance(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [timer.callback for _, _, timer in time._timers] == [None]


async def test_event_loop_is_a_clock() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await wait(loop, 0.01)
    assert loop.time() >= began + 0.01
