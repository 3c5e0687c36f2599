"""The stand-in for the service, which belongs to a context."""

import asyncio
from typing import Any

from serverless_signalr._invocation import to_thread
from serverless_signalr._rest.substitute import SUBSTITUTE, substituted

ONE: Any = object()
OTHER: Any = object()


def test_nothing_stands_in_for_the_service_outside_of_tests() -> None:
    assert SUBSTITUTE.get() is None


def test_inner_stand_in_ends_with_its_block() -> None:
    with substituted(ONE):
        with substituted(OTHER):
            assert SUBSTITUTE.get() is OTHER
        assert SUBSTITUTE.get() is ONE
    assert SUBSTITUTE.get() is None


async def test_tasks_and_threads_within_have_it_too() -> None:
    async def current() -> object:
        return SUBSTITUTE.get()

    with substituted(ONE):
        task = asyncio.create_task(current())
        thread = await to_thread(SUBSTITUTE.get)
    assert (await task, thread) == (ONE, ONE)
    assert await asyncio.create_task(current()) is None
