"""The reference desk reads to one reader, asks whether to go on, and lets librarians announce."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from serverless_signalr import HubException
from signalr_local.testing import Client, SignalRTest

EXAMPLE = Path(__file__).parents[2] / "examples" / "reference_desk"


@pytest.fixture
async def env() -> AsyncIterator[SignalRTest]:
    async with SignalRTest(EXAMPLE) as env:
        yield env


def read_to(client: Client) -> str:
    pieces = [message.arguments[0] for message in client.messages if message.target == "answerPiece"]
    assert [piece["kind"] for piece in pieces].count("done") == 1
    return "".join(piece["text"] for piece in pieces if piece["kind"] == "text")


async def test_reader_who_asks_is_read_to_and_nobody_else(env: SignalRTest) -> None:
    ann, bob = await env.connect("ann"), await env.connect("bob")
    await ann.invoke("ask", "len")
    assert read_to(ann) == "Return the number of items in a container."
    await bob.expect_nothing()


@pytest.mark.parametrize(("answer", "is_whole"), [(True, True), (False, False)])
async def test_reader_is_asked_whether_to_go_on(env: SignalRTest, answer: bool, is_whole: bool) -> None:
    ann = await env.connect("ann")
    ann.answer("goOn", answer)
    await ann.invoke("ask", "str.split")
    assert (len(read_to(ann).split()) > 50) is is_whole


async def test_watcher_hears_who_asks_until_the_time_is_over(env: SignalRTest) -> None:
    ann, bob = await env.connect("ann"), await env.connect("bob")
    await bob.invoke("watch", "str", 5)
    later = await env.connect("bob")
    await ann.invoke("ask", "str.upper")
    await later.expect("asked", "str.upper")
    await env.advance(minutes=5)
    another = await env.connect("bob")
    await ann.invoke("ask", "str.upper")
    await another.expect_nothing()


async def test_only_librarians_announce(env: SignalRTest) -> None:
    reader = await env.connect("ann")
    librarian = await env.connect("lee", claims={"role": ["librarian"]})
    with pytest.raises(HubException, match="it requires the role librarian"):
        await reader.invoke("announce", "Closing")
    await librarian.invoke("announce", "Closing")
    await reader.expect("notice", "Closing")


async def test_librarian_of_the_main_desk_closes_all_but_herself(env: SignalRTest) -> None:
    reader = await env.connect("ann")
    librarian = await env.connect("lee", claims={"role": ["librarian"], "desk": "main"})
    await librarian.invoke("close", "The library is closed.")
    await reader.expect_closed("The library is closed.")
    assert librarian.is_open


async def test_name_that_means_nothing_is_told(env: SignalRTest) -> None:
    ann = await env.connect("ann")
    with pytest.raises(HubException, match="There is no documentation of nothing"):
        await ann.invoke("ask", "nothing")


async def test_negotiate_makes_every_caller_one_of_the_main_desk(env: SignalRTest) -> None:
    lee = await env.connect(negotiate="negotiate?user=lee&role=librarian")
    await lee.invoke("close", "The library is closed.")
