"""Bugs that a chat may have, each planted in a copy and found by a test of five lines at most."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from serverless_signalr import HubException
from serverless_signalr.testing import FakeService, Message, call, connect, disconnect
from signalr_local.testing import SignalRTest

SOURCE = Path(__file__).with_name("chat.py").read_text(encoding="utf-8")

type Found = Callable[[Any], Awaitable[None]]


def chat(written: str = "", planted: str = "") -> Any:
    """Return the hub, with what is written replaced by what is planted."""
    assert SOURCE.count(written) == 1 or not written
    module = ModuleType("planted_chat")
    exec(compile(SOURCE.replace(written, planted), "chat.py", "exec"), vars(module))
    return module.Chat()


async def message_goes_to_the_group_that_is_named(app: Any) -> None:
    sent = await call(app, "sendToGroup", "friends", "hi", user_id="ann")
    assert sent.to_group("friends") == [Message("newMessage", {"sender": "ann", "text": "hi"})]


async def only_moderators_close_groups(app: Any) -> None:
    with pytest.raises(HubException, match="it requires the role moderator"):
        await call(app, "closeGroup", "friends", user_id="ann")


async def every_group_gets_its_message(app: Any) -> None:
    sent = await call(app, "sendToGroups", ["friends", "family"], "hi")
    assert [str(message.to) for message in sent.messages] == ["the group 'friends'", "the group 'family'"]


async def who_types_does_not_see_it(app: Any) -> None:
    async with SignalRTest(app) as env:
        alice = await env.connect("alice")
        await alice.invoke("joinGroup", "friends")
        await alice.invoke("typing", "friends")
        await alice.expect_nothing("typing")


async def others_hear_why_somebody_went(app: Any) -> None:
    sent = await disconnect(app, user_id="ann", error="Service timeout")
    assert sent.to_all == [Message("connectionClosed", {"userId": "ann", "error": "Service timeout"})]


async def private_message_stays_private(app: Any) -> None:
    async with SignalRTest(app) as env:
        alice, eve = await env.connect("alice"), await env.connect("eve")
        await alice.invoke("sendToUser", "alice", "psst")
        await eve.expect_nothing("newMessage")


async def who_left_hears_nothing(app: Any) -> None:
    with FakeService():
        bob = (await call(app, "joinGroup", "friends", user_id="bob")).connection
        await call(app, "leaveGroup", "friends", connection=bob)
        assert bob.groups == set()


async def message_names_the_user_who_sent_it(app: Any) -> None:
    async with SignalRTest(app) as env:
        alice = await env.connect("alice")
        await alice.invoke("broadcast", "hi")
        await alice.expect("newMessage", sender="alice", text="hi")


async def watching_is_over_after_a_day(app: Any) -> None:
    async with SignalRTest(app) as env:
        await (await env.connect("alice")).invoke("watch", "news", 24)
        await env.advance(hours=23)
        assert await env.service().is_user_in_group("news", user_id="alice")


async def those_who_went_are_not_among_the_people(app: Any) -> None:
    with FakeService():
        bob = (await connect(app, user_id="bob")).connection
        assert (await call(app, "people")).result == ["bob"]
        await disconnect(app, bob)
        assert (await call(app, "people")).result == []


async def sender_learns_that_nobody_is_there(app: Any) -> None:
    assert (await call(app, "sendToUser", "nobody", "hi")).result is False


async def newcomer_is_told_to_everybody(app: Any) -> None:
    sent = await connect(app, user_id="ann")
    assert sent.to_all == [Message("newConnection", {"userId": "ann"})]


@dataclass(frozen=True)
class Bug:
    written: str
    planted: str
    found_by: Found


BUGS = {
    "wrong group": Bug(
        'group(group_name).send("newMessage", {"sender"',
        'group("all").send("newMessage", {"sender"',
        message_goes_to_the_group_that_is_named,
    ),
    "missing guard": Bug('    @requires(role="moderator")\n', "", only_moderators_close_groups),
    "lost second message": Bug("in group_names:", "in group_names[:1]:", every_group_gets_its_message),
    "wrong exclusion": Bug(
        "group_except(group_name, [caller.connection_id])",
        "group_except(group_name, [caller.user_id])",
        who_types_does_not_see_it,
    ),
    "ignored error": Bug('"error": caller.error', '"error": None', others_hear_why_somebody_went),
    "private message to all": Bug("clients.user(user_id)", "clients.all", private_message_stays_private),
    "leaving that joins": Bug("groups.remove(", "groups.add(", who_left_hears_nothing),
    "wrong sender": Bug(
        'all.send("newMessage", {"sender": caller.user_id',
        'all.send("newMessage", {"sender": caller.connection_id',
        message_names_the_user_who_sent_it,
    ),
    "wrong time-to-live": Bug("hours=hours", "minutes=hours", watching_is_over_after_a_day),
    "people that nobody joins": Bug(
        '        await self.groups.add("people", connection_id=caller.connection_id)\n',
        "",
        those_who_went_are_not_among_the_people,
    ),
    "answer that is always yes": Bug(
        "return await self.client_manager.user_exists(user_id)",
        "return True",
        sender_learns_that_nobody_is_there,
    ),
    "misspelt target": Bug('"newConnection"', '"newConection"', newcomer_is_told_to_everybody),
}

EACH = pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))


@EACH
async def test_chat_without_the_bug_passes(bug: Bug) -> None:
    await bug.found_by(chat())


@EACH
async def test_bug_is_found(bug: Bug) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await bug.found_by(chat(bug.written, bug.planted))


@EACH
def test_bug_takes_five_lines_to_find(bug: Bug) -> None:
    lines = inspect.getsource(bug.found_by).splitlines()
    assert len([line for line in lines[1:] if line.strip()]) <= 5
