"""A whole app in a test: what clients do, and what comes of it."""

import os
from pathlib import Path
from typing import Any

import pytest

from serverless_signalr import FunctionApp, HubException
from serverless_signalr.protocol.names import DEFAULT_CONNECTION
from serverless_signalr.testing import Message
from signalr_local.host.failures import AppError
from signalr_local.testing import ConnectionRefused, ExpectationError, SignalRTest
from tests.signalr_local.testing.conftest import Lab

CHAT = Path(__file__).parents[3] / "examples" / "class_based"

type Env = SignalRTest


async def test_call_is_answered_and_the_group_is_told(signalr_env: Env) -> None:
    alice, bob = await signalr_env.connect("alice"), await signalr_env.connect("bob")
    assert await alice.invoke("say", "hello") == 5
    assert await bob.expect("said", "hello") in bob.messages


async def test_guard_refuses_and_lets_in(signalr_env: Env) -> None:
    guest = await signalr_env.connect("guest")
    admin = await signalr_env.connect("ada", claims={"role": ["admin"]})
    with pytest.raises(HubException, match="it requires"):
        await guest.invoke("ban", "bob")
    await admin.invoke("ban", "bob")


@pytest.fixture
async def env(lab_app: FunctionApp) -> Any:
    async with SignalRTest(lab_app) as env:
        yield env


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_values_go_there_and_back_in_both_protocols(env: Env, protocol: str) -> None:
    alice = await env.connect("alice", protocol=protocol)
    assert await alice.invoke("echo", {"a": [1, None, "ü"]}) == {"a": [1, None, "ü"]}


async def test_call_that_fails_raises_what_the_client_is_told(env: Env) -> None:
    alice = await env.connect()
    with pytest.raises(HubException, match=r"fail failed|no"):
        await alice.invoke("fail")


async def test_each_message_satisfies_one_expectation(env: Env) -> None:
    alice = await env.connect()
    await alice.invoke("tellTwice")
    await alice.expect("told", text="two")
    await alice.expect("told", text="one")
    await alice.expect_nothing()


async def test_message_that_nobody_expected_is_named(env: Env) -> None:
    alice = await env.connect()
    await alice.send("tellTwice")
    with pytest.raises(ExpectationError, match=r"received what was not expected: Message\('told'"):
        await alice.expect_nothing()


async def test_missing_message_fails_at_once_and_says_what_did_come(env: Env) -> None:
    env.patience = 3600
    alice = await env.connect("alice")
    await alice.invoke("tellTwice")
    with pytest.raises(ExpectationError) as raised:
        await alice.expect("told", text="three")
    assert "alice" in str(raised.value)
    assert "did not receive told(text='three'). It received: Message('told', {'text': 'one'" in str(
        raised.value
    )
    assert "All is quiet." in str(raised.value)


async def test_function_that_hangs_is_named_and_not_cancelled(env: Env, lab: Lab) -> None:
    alice = await env.connect("alice")
    env.patience = 0.05
    await alice.send("hold")
    with pytest.raises(ExpectationError, match=r"hold of alice .* at the app; functions run: lab_hold"):
        await alice.expect_nothing()
    env.patience = 10
    lab.gate.set()
    await alice.expect_nothing()


async def test_call_without_an_answer_says_what_goes_on_and_the_app_goes_on(env: Env, lab: Lab) -> None:
    alice = await env.connect("alice")
    env.patience = 0.05
    with pytest.raises(ExpectationError, match="the answer to hold for alice"):
        await alice.invoke("hold")
    env.patience = 10
    lab.gate.set()
    await env.settled()
    assert await alice.invoke("echo", 1) == 1


async def test_message_from_the_background_is_waited_for_with_a_timeout(env: Env, lab: Lab) -> None:
    alice = await env.connect()
    await alice.invoke("later")
    await alice.expect_nothing()
    lab.gate.set()
    await alice.expect("told", "late", timeout=30)


async def test_client_answers_what_the_app_asks(env: Env) -> None:
    alice = await env.connect()
    alice.answer("answer", lambda question: f"{question}!")
    assert await alice.invoke("ask", "why") == "why!"


async def test_client_that_has_no_answer_fails_the_call(env: Env) -> None:
    alice = await env.connect()
    with pytest.raises(HubException, match="ask failed on the server"):
        await alice.invoke("ask", "why")


async def test_app_negotiates_itself(env: Env) -> None:
    client = await env.connect(negotiate="negotiate?user=ann")
    assert client in env.clients
    assert [connection.user_id for connection in env.emulator.connections] == ["ann"]


async def test_negotiate_that_refuses_is_told(signalr_env: Env) -> None:
    with pytest.raises(ConnectionRefused, match="answered 404"):
        await signalr_env.connect(negotiate="nowhere")


async def test_http_function_reaches_clients(env: Env) -> None:
    alice = await env.connect()
    response = await env.request("POST", "/api/shout", json={"text": "hi"})
    assert response.status == 202
    await alice.expect("shouted", text="hi")


async def test_script_reaches_clients_through_the_rest_api(env: Env) -> None:
    alice = await env.connect("alice")
    await env.service().send_to_user("alice", "told", "hi")
    assert await alice.expect("told") == Message("told", "hi")


async def test_app_hears_of_a_client_that_hangs_up(env: Env, lab: Lab) -> None:
    alice = await env.connect()
    await alice.close()
    await env.settled()
    assert lab.heard == ["connected", "disconnected: None"]


async def test_call_of_a_client_that_has_gone_is_refused(env: Env) -> None:
    alice = await env.connect()
    await alice.close()
    with pytest.raises(ConnectionError, match="has ended"):
        await alice.invoke("echo", 1)


async def test_settings_reach_the_app_and_are_gone_afterwards(lab_app: FunctionApp) -> None:
    before = dict(os.environ)
    async with SignalRTest(lab_app, settings={"FLAVOUR": "mint"}) as env:
        assert os.environ["FLAVOUR"] == "mint"
        assert os.environ[DEFAULT_CONNECTION] == env.connection_string
    assert dict(os.environ) == before


async def test_one_app_runs_in_one_environment_after_the_other(lab_app: FunctionApp) -> None:
    for _ in range(3):
        async with SignalRTest(lab_app) as env:
            alice = await env.connect()
            await alice.invoke("tellTwice")
            await alice.expect("told", text="one")


async def test_app_that_azure_would_not_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FunctionApp()

    @app.function_name("1st")
    @app.signalr_trigger(hub="lab")
    def first() -> None: ...

    with pytest.raises(AppError, match="1st"):
        async with SignalRTest(app):
            pass


async def test_app_object_has_no_worker(lab_app: FunctionApp) -> None:
    with pytest.raises(TypeError, match=r"pass the folder"):
        SignalRTest(lab_app, worker=True)


async def test_many_proofs_that_nothing_comes_take_no_time_to_wait(env: Env) -> None:
    alice = await env.connect()
    for _ in range(1000):
        await alice.expect_nothing()


async def test_events_go_where_the_test_says() -> None:
    settings = {"UPSTREAM_ROUTE": "events"}
    async with SignalRTest(CHAT, worker=True, settings=settings, upstream="/api/events", patience=60) as env:
        alice = await env.connect("alice", hub="chat")
        assert await alice.invoke("echo", 1) == 1


async def test_address_that_takes_no_events_fails_calls(lab_app: FunctionApp) -> None:
    async with SignalRTest(lab_app, upstream="/api/nowhere") as env:
        alice = await env.connect("alice")
        with pytest.raises(HubException, match="404"):
            await alice.invoke("echo", 1)


async def test_app_of_several_hubs_asks_which() -> None:
    app = FunctionApp()
    for name in ("one", "two"):

        @app.function_name(name)
        @app.signalr_trigger(hub=name, event="echo")
        def echo(value: int) -> int:
            return value

    async with SignalRTest(app) as env:
        with pytest.raises(LookupError, match="choose a hub, hub=…, of one, two"):
            await env.connect("alice")
        alice = await env.connect("alice", hub="two")
        assert await alice.invoke("echo", 1) == 1
