"""The clock of an environment: it moves what it should, and nothing else."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from serverless_signalr import FunctionApp
from signalr_local.movable_clock import MovableClock
from signalr_local.testing import ConnectionRefused, SignalRTest

type Env = SignalRTest


@pytest.fixture
async def env(lab_app: FunctionApp) -> Any:
    async with SignalRTest(lab_app) as env:
        yield env


async def test_token_expires(env: Env) -> None:
    token = env.token("alice", lifetime=timedelta(hours=1))
    await env.advance(hours=2)
    with pytest.raises(ConnectionRefused) as raised:
        await env.connect(token=token)
    assert raised.value.status == 401


async def test_tokens_that_are_made_then_are_good(env: Env) -> None:
    await env.advance(days=2)
    alice = await env.connect("alice")
    again = await env.connect(negotiate="negotiate?user=ann")
    await alice.invoke("tellTwice")
    await again.expect("told", text="one")


async def test_connection_ends_with_its_token(env: Env) -> None:
    alice = await env.connect("alice", lifetime=timedelta(minutes=30), close_on_expiry=True)
    await env.advance(minutes=29)
    assert alice.is_open
    await env.advance(minutes=2)
    await alice.expect_closed("token has expired")


async def test_user_leaves_a_group_when_its_time_is_over(env: Env) -> None:
    await env.service().add_user_to_group("g", user_id="alice", ttl=timedelta(hours=24))
    await env.advance(hours=23)
    assert await env.service().is_user_in_group("g", user_id="alice")
    await env.advance(hours=1)
    assert not await env.service().is_user_in_group("g", user_id="alice")


async def test_silent_client_is_closed_and_one_that_never_pinged_is_not(env: Env) -> None:
    alice, bob = await env.connect("alice"), await env.connect("bob")
    await alice.ping()
    await env.settled()
    await env.advance(seconds=60)
    await alice.expect_closed()
    assert bob.is_open


async def test_timers_run_once_for_each_hour(env: Env) -> None:
    alice = await env.connect("alice")
    await env.advance(hours=3)
    assert [message.target for message in alice.messages] == ["hour"] * 3


async def test_timer_is_fired_by_hand(env: Env) -> None:
    alice = await env.connect("alice")
    await env.fire("hourly")
    await alice.expect("hour")


async def test_nothing_else_notices(env: Env) -> None:
    loop, before = asyncio.get_running_loop(), (time.time(), time.monotonic())
    await env.advance(days=3)
    assert loop.time() - before[1] < 3600
    assert time.time() - before[0] < 3600


async def test_clock_does_not_go_back(env: Env) -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        await env.advance(seconds=-1)


async def nothing() -> None:
    pass


async def test_what_is_due_happens_in_its_order_and_at_its_time() -> None:
    clock, seen = MovableClock(), []
    start = clock.monotonic()
    for seconds in (30, 10, 20):
        clock.call_later(seconds, lambda: seen.append(round(clock.monotonic() - start)))
    await clock.advance(25, nothing)
    assert seen == [10, 20]


async def test_what_was_called_off_does_not_happen() -> None:
    clock, seen = MovableClock(), []
    clock.call_later(1, lambda: seen.append("called")).cancel()
    await clock.advance(2, nothing)
    assert seen == []


async def test_clock_runs_by_itself_too() -> None:
    clock, called = MovableClock(), asyncio.Event()
    clock.call_later(0.001, called.set)
    await called.wait()


async def test_what_is_left_keeps_its_distance_after_a_jump() -> None:
    clock, called = MovableClock(), asyncio.Event()
    clock.call_later(3600.001, called.set)
    await clock.advance(3600, nothing)
    await called.wait()
