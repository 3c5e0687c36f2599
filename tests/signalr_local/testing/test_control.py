"""The control path: what a test in another language can do to its environment, over HTTP alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from serverless_signalr import FunctionApp, HubException, ThrottledError, UnauthorizedError
from signalr_local.testing import ConnectionRefused, SignalRTest
from tests.signalr_local.testing.conftest import Lab

CHAT = Path(__file__).parents[3] / "examples" / "class_based"

type Env = SignalRTest


@pytest.fixture
async def env(lab_app: FunctionApp) -> AsyncIterator[Env]:
    async with SignalRTest(lab_app, control=True) as env:
        yield env


async def post(env: Env, action: str, body: object, **options: Any) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{env.control_url}/{action}", json=body, **options) as response,
    ):
        return response.status, await response.text()


async def do(env: Env, action: str, **body: object) -> None:
    assert await post(env, action, body) == (204, "")


async def test_app_fails_the_next_calls(env: Env) -> None:
    alice = await env.connect()
    await do(env, "upstream", status=503, times=2)
    for _ in range(2):
        with pytest.raises(HubException, match="503"):
            await alice.invoke("echo", 1)
    assert await alice.invoke("echo", 1) == 1


async def test_event_is_late(env: Env) -> None:
    alice = await env.connect()
    await do(env, "upstream", delay=0.01, event="tellTwice")
    await alice.send("tellTwice")
    await alice.expect("told", text="one")


async def test_app_never_hears_that_a_client_has_gone(env: Env, lab: Lab) -> None:
    alice = await env.connect()
    await do(env, "lose", event="disconnected")
    await alice.close()
    await env.settled()
    assert lab.heard == ["connected"]


async def test_client_is_dropped_with_a_reason(env: Env) -> None:
    alice = await env.connect("alice")
    await do(env, "drop", user="alice", error="maintenance")
    await alice.expect_closed("maintenance")


async def test_client_is_dropped_without_a_word(env: Env) -> None:
    alice = await env.connect("alice")
    await do(env, "drop", connection=alice.connection_id, close=False)
    assert await alice.expect_closed() is None


async def test_rest_api_throttles(env: Env) -> None:
    await do(env, "rest", status=429, retryAfter=3)
    with pytest.raises(ThrottledError, match="wait 3 seconds"):
        await env.service(retries=0).send_to_all("told")


async def test_rest_api_fails_and_is_slow(env: Env) -> None:
    await do(env, "rest", status=500)
    await do(env, "rest", delay=0.01)
    assert await env.service().user_exists("nobody") is False
    assert env.faults.pending == 0


async def test_faults_that_were_not_used_are_forgotten(env: Env) -> None:
    await do(env, "rest", status=500, times=5)
    await do(env, "clear")
    assert env.faults.pending == 0


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_slow_client_gets_everything_once_it_is_resumed(env: Env, protocol: str) -> None:
    alice, bob = await env.connect("alice", protocol=protocol), await env.connect("bob")
    await do(env, "pause", user="alice")
    await bob.invoke("tellTwice")
    await env.settled()
    assert alice.messages == []
    await do(env, "resume", user="alice")
    await alice.expect("told", text="one")
    await alice.expect("told", text="two")


async def test_slow_client_is_cut_off_when_too_much_waits_for_it(env: Env, lab: Lab) -> None:
    alice = await env.connect("alice")
    await do(env, "pause", user="alice")
    for _ in range(20):
        await env.service().send_to_user("alice", "told", "x" * 1_000_000)
    await alice.expect_closed()
    await env.settled()
    assert lab.heard[-1] == "disconnected: The client reads too slowly."


async def test_service_is_restarted(env: Env) -> None:
    alice = await env.connect("alice")
    await do(env, "restart")
    assert not alice.is_open
    again = await env.connect("alice")
    assert await again.invoke("echo", 1) == 1


async def test_key_is_rotated_and_the_app_knows(env: Env) -> None:
    old = env.token("alice")
    await do(env, "rotate-key")
    with pytest.raises(ConnectionRefused):
        await env.connect(token=old)
    alice = await env.connect("alice")
    await alice.invoke("tellTwice")
    await alice.expect("told", text="one")


async def test_key_is_rotated_and_the_app_does_not_know(env: Env) -> None:
    await do(env, "rotate-key", isKnown=False)
    with pytest.raises(UnauthorizedError):
        await env.service().send_to_all("told")


async def test_token_expires(env: Env) -> None:
    token = env.token("alice")
    await do(env, "advance", hours=2)
    with pytest.raises(ConnectionRefused):
        await env.connect(token=token)


async def test_quiet_is_waited_for(env: Env) -> None:
    alice = await env.connect()
    await alice.send("tellTwice")
    await do(env, "settled")
    assert [message.target for message in alice.messages] == ["told", "told"]


async def test_what_goes_on_is_told_when_it_does_not_end(env: Env, lab: Lab) -> None:
    alice = await env.connect("alice")
    await alice.send("hold")
    env.patience = 0.05
    status, text = await post(env, "settled", {})
    assert (status, "hold of alice" in text) == (409, True)
    lab.gate.set()


async def test_worker_is_killed() -> None:
    async with SignalRTest(CHAT, worker=True, control=True, patience=60) as env:
        alice = await env.connect("alice")
        await do(env, "kill-worker")
        assert await alice.invoke("echo", 2) == 2


@pytest.mark.parametrize(
    ("action", "body", "status", "text"),
    [
        ("nothing", {}, 404, "the control path has no nothing; it has advance, clear, drop, lose"),
        ("kill-worker", {}, 404, "has no kill-worker"),
        ("rest", {"status": 200}, 400, "expected that of an error, 400 to 599."),
        ("rest", {"stat": 500}, 400, "rest has no stat; it takes status, delay, retryAfter, times."),
        ("rest", {"retry_after": 5}, 400, "rest has no retry_after"),
        ("rest", {"status": "500"}, 400, "status of rest is not a whole number or null."),
        ("rest", {"status": True}, 400, "status of rest is not a whole number or null."),
        ("lose", {}, 400, "lose needs event."),
        ("clear", {"all": True}, 400, "clear has no all; it takes nothing."),
        ("drop", {"user": "nobody"}, 404, "nobody is connected as nobody."),
        ("drop", {}, 400, "name either a user or a connection."),
        ("advance", {"hours": -1}, 400, "the clock cannot go back by 3600 seconds."),
        ("rest", [], 400, "the body is not an object."),
    ],
)
async def test_request_that_makes_no_sense_is_refused_with_what_would(
    env: Env, action: str, body: object, status: int, text: str
) -> None:
    answered, said = await post(env, action, body)
    assert (answered, text in said) == (status, True), said


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "text/plain"}, {"Origin": "http://localhost:3000"}, {"Host": "evil.example"}]
)
async def test_page_of_somebody_else_cannot_ask_for_faults(env: Env, headers: dict[str, str]) -> None:
    assert (await post(env, "rest", {"status": 500}, headers=headers))[0] in (403, 415, 421)
    assert env.faults.pending == 0


async def test_faults_are_asked_for_by_post_alone(env: Env) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{env.control_url}/clear") as response:
        assert response.status == 405


async def test_control_path_is_off_unless_asked_for(lab_app: FunctionApp) -> None:
    async with SignalRTest(lab_app) as env:
        with pytest.raises(RuntimeError, match="control=True"):
            env.control_url  # noqa: B018
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{env.emulator_url}/_test/rest", json={"status": 500}) as response,
        ):
            assert response.status == 404
