"""The chat as a class keeps the contract of the chat in blueprints/: who hears what."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from serverless_signalr import HubException
from signalr_local.testing import SignalRTest

EXAMPLE = Path(__file__).parents[2] / "examples" / "class_based"


@pytest.fixture
async def env() -> AsyncIterator[SignalRTest]:
    async with SignalRTest(EXAMPLE) as env:
        yield env


async def test_everybody_hears_who_comes_and_who_goes(env: SignalRTest) -> None:
    ann = await env.connect("ann")
    bob = await env.connect("bob")
    await ann.expect("newConnection", userId="bob")
    await bob.close()
    await ann.expect("connectionClosed", userId="bob", error=None)


async def test_group_hears_its_members_and_others_do_not(env: SignalRTest) -> None:
    ann, bob, eve = [await env.connect(name) for name in ("ann", "bob", "eve")]
    await bob.invoke("joinGroup", "friends")
    await ann.invoke("sendToGroup", "friends", "hi")
    await bob.expect("newMessage", sender="ann", text="hi", groupName="friends", isPrivate=False)
    await eve.expect_nothing("newMessage")


async def test_private_message_reaches_one_user_and_says_whether(env: SignalRTest) -> None:
    ann, bob, eve = [await env.connect(name) for name in ("ann", "bob", "eve")]
    assert await ann.invoke("sendToUser", "bob", "psst") is True
    assert await ann.invoke("sendToUser", "nobody", "psst") is False
    await bob.expect("newMessage", text="psst", isPrivate=True)
    await eve.expect_nothing("newMessage")


async def test_people_are_those_who_are_there(env: SignalRTest) -> None:
    ann, bob = await env.connect("ann"), await env.connect("bob")
    await bob.close()
    await env.settled()
    assert [one["userId"] for one in await ann.invoke("people")] == ["ann"]


async def test_app_sends_what_comes_over_http(env: SignalRTest) -> None:
    ann = await env.connect("ann")
    response = await env.request("POST", "/api/messages", json={"text": "hi"})
    assert response.status == 202
    await ann.expect("newMessage", text="hi")


async def test_wrong_group_is_refused_with_a_reason(env: SignalRTest) -> None:
    ann = await env.connect("ann")
    with pytest.raises(HubException, match="groupName"):
        await ann.invoke("joinGroup", " ")
