"""The assistant streams its answers to their owner or to a group; others neither read nor stop them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from serverless_signalr import HubException
from signalr_local.testing import Client, SignalRTest

EXAMPLE = Path(__file__).parents[2] / "examples" / "answers"


@pytest.fixture
async def env() -> AsyncIterator[SignalRTest]:
    async with SignalRTest(EXAMPLE, settings={"BUILT_IN_PAUSE": "0"}) as env:
        yield env


@pytest.fixture
def answer_id() -> str:
    """Return an id that no other test has used: the example's store lives as long as the process."""
    return uuid4().hex


async def ask(env: SignalRTest, id: str, user: str = "ann", **more: str) -> Any:
    return await env.request(
        "POST", f"/api/questions?user={user}", json={"id": id, "question": "Tea?", **more}
    )


def kinds(client: Client) -> list[str]:
    return [message.arguments[0]["kind"] for message in client.messages if message.target == "answerPiece"]


def text(client: Client) -> str:
    pieces = [message.arguments[0] for message in client.messages if message.target == "answerPiece"]
    return "".join(piece["text"] for piece in pieces if piece["kind"] == "text")


async def test_answer_goes_to_all_devices_of_who_asked_and_to_nobody_else(
    env: SignalRTest, answer_id: str
) -> None:
    phone, laptop, bob = [await env.connect(name) for name in ("ann", "ann", "bob")]
    assert (await ask(env, answer_id)).status == 204
    await phone.expect("answerPiece", kind="done")
    assert text(phone).startswith("You asked: *Tea?*")
    assert text(laptop) == text(phone)
    await bob.expect_nothing()


async def test_answer_is_resumed_with_every_letter_of_it(env: SignalRTest, answer_id: str) -> None:
    ann = await env.connect("ann")
    await ask(env, answer_id)
    pieces = (await ann.invoke("resumeAnswer", answer_id, 0))["pieces"]
    assert "".join(piece["text"] for piece in pieces if piece["kind"] == "text") == text(ann)


async def test_others_neither_resume_nor_stop_an_answer(env: SignalRTest, answer_id: str) -> None:
    await env.connect("ann")
    bob = await env.connect("bob")
    await ask(env, answer_id)
    assert (await bob.invoke("resumeAnswer", answer_id, 0))["recovered"] is False
    assert await bob.invoke("cancelAnswer", answer_id) is False


async def test_members_of_a_group_read_what_is_asked_there(env: SignalRTest, answer_id: str) -> None:
    ann, bob, eve = [await env.connect(name) for name in ("ann", "bob", "eve")]
    for member in (ann, bob):
        await member.invoke("join", "tea")
    await ask(env, answer_id, group="tea")
    await bob.expect("asked", answer_id, "Tea?", "ann")
    assert kinds(bob)[-1] == "done"
    await eve.expect_nothing()


async def test_stranger_cannot_ask_in_a_group(env: SignalRTest) -> None:
    eve = await env.connect("eve")
    response = await ask(env, "strange", user="eve", group="tea")
    assert (response.status, response.text) == (400, "You are not in the group tea.")
    await eve.expect_nothing()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"id": "a", "question": ""}, 400),
        ({"id": "a", "question": "x" * 4001}, 400),
        ([], 400),
    ],
)
async def test_question_that_is_none_is_refused(env: SignalRTest, body: Any, status: int) -> None:
    assert (await env.request("POST", "/api/questions?user=ann", json=body)).status == status


async def test_id_is_used_once(env: SignalRTest, answer_id: str) -> None:
    assert [(await ask(env, answer_id)).status for _ in range(2)] == [204, 409]


async def test_nobody_asks_without_a_name(env: SignalRTest) -> None:
    response = await env.request("POST", "/api/questions", json={"id": "a", "question": "Tea?"})
    assert response.status == 401


async def test_anonymous_client_is_not_let_into_a_group(env: SignalRTest) -> None:
    nobody = await env.connect()
    with pytest.raises(HubException, match="Sign in first"):
        await nobody.invoke("join", "tea")


async def test_throttled_answer_has_fewer_pieces_and_every_letter(env: SignalRTest, answer_id: str) -> None:
    ann = await env.connect("ann")
    env.faults.rest(429, times=6)
    env.patience = 60
    assert (await ask(env, answer_id)).status == 204
    await ann.expect("answerPiece", kind="done")
    stored = await ann.invoke("resumeAnswer", answer_id, 0)
    assert text(ann) == "".join(piece["text"] for piece in stored["pieces"] if piece["kind"] == "text")
    assert env.faults.pending == 0


async def test_answer_outlives_the_service_that_it_was_asked_through(answer_id: str) -> None:
    async with SignalRTest(EXAMPLE, settings={"BUILT_IN_PAUSE": "0.01"}, patience=60) as env:
        ann = await env.connect("ann")
        asking = asyncio.create_task(ask(env, answer_id))
        await ann.expect("answerPiece", kind="text", timeout=60)
        await env.restart_emulator()
        assert (await asking).status == 204
        again = await env.connect("ann")
        stored = await again.invoke("resumeAnswer", answer_id, 0)
        assert stored["state"] == "done"
        told = "".join(piece["text"] for piece in stored["pieces"] if piece["kind"] == "text")
        assert told.startswith(text(ann))
        assert told.endswith("Enjoy!\n ")
