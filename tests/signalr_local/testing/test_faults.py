"""Faults: the app and its clients in bad weather."""

import asyncio
from typing import Any

import pytest

from serverless_signalr import FunctionApp, HubException, ThrottledError, UnauthorizedError
from signalr_local.testing import ConnectionRefused, SignalRTest
from tests.signalr_local.testing.conftest import Lab

type Env = SignalRTest


@pytest.fixture
async def env(lab_app: FunctionApp) -> Any:
    async with SignalRTest(lab_app) as env:
        yield env


async def test_app_that_answers_503_fails_the_next_calls_alone(env: Env) -> None:
    alice = await env.connect()
    env.faults.upstream(503, times=2)
    for _ in range(2):
        with pytest.raises(HubException, match="status code 503"):
            await alice.invoke("echo", 1)
    assert await alice.invoke("echo", 1) == 1


async def test_event_that_is_late_is_waited_for(env: Env) -> None:
    alice = await env.connect()
    env.faults.upstream(delay=0.01, event="tellTwice")
    await alice.send("tellTwice")
    await alice.expect("told", text="one")


async def test_lost_disconnected_never_reaches_the_app(env: Env, lab: Lab) -> None:
    alice = await env.connect()
    env.faults.lose("disconnected")
    await alice.close()
    await env.settled()
    assert lab.heard == ["connected"]


async def test_rest_api_that_throttles_is_told_to_the_app(env: Env) -> None:
    env.faults.rest(429, retry_after=3)
    with pytest.raises(ThrottledError, match="wait 3 seconds"):
        await env.service(retries=0).send_to_all("told")


async def test_rest_api_that_fails_once_is_asked_again(env: Env) -> None:
    env.faults.rest(500)
    assert await env.service().user_exists("nobody") is False


async def test_client_that_is_dropped_learns_the_reason(env: Env) -> None:
    alice = await env.connect()
    await env.drop(alice, "maintenance")
    assert (await alice.expect_closed("maintenance")) is not None


async def test_client_that_loses_the_network_learns_nothing(env: Env, lab: Lab) -> None:
    alice = await env.connect()
    await env.drop(alice, close=False)
    assert await alice.expect_closed() is None
    assert lab.heard[-1].startswith("disconnected")


async def test_app_hears_of_a_client_whose_network_is_gone(env: Env, lab: Lab) -> None:
    alice = await env.connect()
    await alice.drop()
    await env.settled()
    assert lab.heard[-1].startswith("disconnected")


async def test_slow_client_gets_everything_once_it_reads(env: Env) -> None:
    alice, bob = await env.connect("alice"), await env.connect("bob")
    alice.pause()
    await bob.invoke("tellTwice")
    await env.settled()
    assert alice.messages == []
    alice.resume()
    await alice.expect("told", text="one")


async def test_restarted_service_has_lost_its_clients_and_takes_new_ones(env: Env) -> None:
    alice = await env.connect("alice")
    await env.restart_emulator()
    assert not alice.is_open
    again = await env.connect("alice")
    assert await again.invoke("echo", 1) == 1


async def test_app_with_the_new_key_goes_on(env: Env) -> None:
    old = env.token("alice")
    await env.rotate_key()
    with pytest.raises(ConnectionRefused) as raised:
        await env.connect(token=old)
    assert raised.value.status == 401
    alice = await env.connect("alice")
    await alice.invoke("tellTwice")
    await alice.expect("told", text="one")


async def test_app_with_the_old_key_is_refused(env: Env) -> None:
    await env.rotate_key(is_known=False)
    with pytest.raises(UnauthorizedError):
        await env.service().send_to_all("told")
    alice = await env.connect("alice")
    with pytest.raises(HubException, match="401"):
        await alice.invoke("echo", 1)


async def test_answers_of_the_service_are_late(env: Env) -> None:
    loop = asyncio.get_running_loop()
    env.faults.rest(delay=0.05)
    started = loop.time()
    assert await env.service().user_exists("nobody") is False
    assert loop.time() - started >= 0.05


async def test_token_that_has_expired_lets_nobody_in(env: Env) -> None:
    token = env.token("alice")
    await env.advance(hours=2)
    with pytest.raises(ConnectionRefused) as raised:
        await env.connect(token=token)
    assert raised.value.status == 401


async def test_user_is_dropped_whoever_connected_them(env: Env) -> None:
    alice = await env.connect("alice")
    await env.drop("alice", "maintenance")
    await alice.expect_closed("maintenance")


async def test_restarted_service_has_forgotten_who_is_in_a_group(env: Env) -> None:
    await env.service().add_user_to_group("g", user_id="alice")
    await env.restart_emulator()
    assert not await env.service().is_user_in_group("g", user_id="alice")


async def test_worker_is_killed_only_where_there_is_one(env: Env) -> None:
    with pytest.raises(TypeError, match="worker=True"):
        await env.kill_worker()
