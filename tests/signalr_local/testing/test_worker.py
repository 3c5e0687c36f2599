"""The same with a worker process, as in production."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signalr_local.host.failures import AppError
from signalr_local.testing import SignalRTest

ROOT = Path(__file__).parents[3]
CHAT = ROOT / "examples" / "class_based"


@pytest.fixture
async def env() -> AsyncIterator[SignalRTest]:
    async with SignalRTest(CHAT, worker=True, patience=60) as env:
        yield env


async def test_app_of_a_folder_runs_in_a_worker_that_may_be_killed(env: SignalRTest) -> None:
    alice = await env.connect("alice")
    assert await alice.invoke("echo", 1) == 1
    await env.kill_worker()
    assert await alice.invoke("echo", 2) == 2


async def test_clock_is_that_of_the_worker_too(env: SignalRTest) -> None:
    alice, bob = await env.connect("alice"), await env.connect("bob")
    await env.advance(hours=24)
    await alice.invoke("sendToUser", "bob", "hi")
    await bob.expect("newMessage", text="hi", isPrivate=True)


async def test_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AppError):
        async with SignalRTest(tmp_path):
            pass
