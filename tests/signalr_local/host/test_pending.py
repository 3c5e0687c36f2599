"""Deadlines: which calls fail, and when."""

import asyncio
from functools import partial
from typing import Any

from signalr_local.host.functions import Function
from signalr_local.host.pending import Deadlines, PendingCall

FUNCTION = Function("1", "a", {})


class Calls(dict[str, PendingCall]):
    """Begin calls that are watched."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadlines = Deadlines(self)

    def begin(self, name: str, seconds: float) -> "asyncio.Future[Any]":
        call = PendingCall(FUNCTION, 1, self.loop.create_future(), None, self.loop.time() + seconds)
        self[name] = call
        self.deadlines.watch(call)
        return call.result


async def outcome(result: "asyncio.Future[Any]") -> object:
    try:
        return await result
    except TimeoutError:
        return "too late"


def _note(ended: list[str], name: str, _: object) -> None:
    ended.append(name)


async def test_each_call_fails_at_its_own_deadline_in_whatever_order_they_began() -> None:
    calls = Calls()
    ended: list[str] = []
    for name, seconds in (("second", 0.02), ("first", 0.01), ("third", 0.03)):
        calls.begin(name, seconds).add_done_callback(partial(_note, ended, name))
    assert [await outcome(call.result) for call in calls.values()] == ["too late"] * 3
    assert ended == ["first", "second", "third"]


async def test_a_call_that_has_ended_is_left_alone() -> None:
    calls = Calls()
    done, late = calls.begin("done", 0.01), calls.begin("late", 0.01)
    done.set_result("done")
    assert [await outcome(late), await outcome(done)] == ["too late", "done"]


async def test_calls_that_begin_after_one_was_late_are_watched_too() -> None:
    calls = Calls()
    for name in "ab":
        assert await outcome(calls.begin(name, 0.01)) == "too late"
        del calls[name]


async def test_nothing_fails_once_they_are_stopped() -> None:
    calls = Calls()
    result = calls.begin("a", 0.0)
    calls.deadlines.stop()
    await asyncio.sleep(0)
    later: asyncio.Future[None] = calls.loop.create_future()
    calls.loop.call_at(calls["a"].deadline, later.set_result, None)
    await later
    assert not result.done()
