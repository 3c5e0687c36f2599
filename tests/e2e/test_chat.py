"""The chat, end to end: real clients, the real app, the local runtime."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

type Join = Callable[[str], Awaitable[Any]]

pytestmark = pytest.mark.parametrize("kind", ["node", "pysignalr", "signalrcore"])

OBSERVER = "node"


async def test_clients_see_each_other_come_and_go(kind: str, join: Join) -> None:
    observer = await join(OBSERVER)
    client = await join(kind)
    came = await observer.next("newConnection", userId=client.user)
    await client.stop()
    went = await observer.next("connectionClosed", connectionId=client.connection_id)
    assert came["connectionId"] == client.connection_id
    assert went["userId"] == client.user
    assert went["error"] is None


async def test_broadcast_reaches_everybody_and_says_from_whom(kind: str, join: Join) -> None:
    observer, client = await join(OBSERVER), await join(kind)
    await client.invoke("broadcast", "hello all")
    for receiver in (observer, client):
        assert await receiver.next("newMessage", text="hello all") == {
            "sender": client.user,
            "connectionId": client.connection_id,
            "text": "hello all",
            "groupName": None,
            "isPrivate": False,
        }


async def test_a_group_message_reaches_members_only(kind: str, join: Join, group: str) -> None:
    outsider, member = await join(OBSERVER), await join(kind)
    await member.invoke("joinGroup", group)
    await member.invoke("sendToGroup", group, "members only")
    received = await member.next("newMessage", text="members only")
    await member.invoke("broadcast", f"after {group}")
    assert received["groupName"] == group
    assert "members only" not in await outsider.messages_until(f"after {group}")


async def test_who_left_a_group_gets_nothing_more(kind: str, join: Join, group: str) -> None:
    client = await join(kind)
    await client.invoke("joinGroup", group)
    await client.invoke("leaveGroup", group)
    await client.invoke("sendToGroup", group, "too late")
    await client.invoke("broadcast", f"after {group}")
    assert "too late" not in await client.messages_until(f"after {group}")


async def test_a_private_message_reaches_every_connection_of_the_user(kind: str, join: Join) -> None:
    observer, client = await join(OBSERVER), await join(kind)
    await observer.invoke("sendToUser", client.user, "psst")
    received = await client.next("newMessage", text="psst")
    await observer.invoke("broadcast", f"after {client.user}")
    assert received["isPrivate"] is True
    assert received["sender"] == observer.user
    assert "psst" not in await observer.messages_until(f"after {client.user}")


async def test_a_client_can_send_to_a_user(kind: str, join: Join) -> None:
    observer, client = await join(OBSERVER), await join(kind)
    await client.invoke("sendToUser", observer.user, "to the user")
    assert (await observer.next("newMessage", text="to the user"))["sender"] == client.user


async def test_a_client_can_send_to_one_connection(kind: str, join: Join) -> None:
    observer, client = await join(OBSERVER), await join(kind)
    await client.invoke("sendToConnection", observer.connection_id, "to the connection")
    received = await observer.next("newMessage", text="to the connection")
    assert received["isPrivate"] is True
    assert received["connectionId"] == client.connection_id


async def test_echo_returns_every_kind_of_value_as_it_was_sent(kind: str, join: Join) -> None:
    values = [
        "text",
        "naïve ☃ \U0001f600",
        "",
        0,
        -7,
        1.5,
        True,
        False,
        None,
        [],
        [1, [2]],
        {"a": {"b": ["c"]}},
    ]
    client = await join(kind)
    answers = [await client.invoke("echo", value) for value in values]
    assert [(type(answer), answer) for answer in answers] == [(type(value), value) for value in values]


@pytest.mark.parametrize(
    ("target", "arguments", "error"),
    [
        (
            "sendToGroup",
            ["g"],
            "sendToGroup(groupName: string, text: string) was called with 1 argument.",
        ),
        (
            "broadcast",
            ["a", "b"],
            "broadcast(text: string) was called with 2 arguments.",
        ),
        (
            "broadcast",
            [7],
            "broadcast(text: string) was called with a wrong text: expected string, got integer.",
        ),
        ("joinGroup", [" "], "groupName is wrong: a group name must not be empty or blank."),
    ],
    ids=["too few", "too many", "wrong type", "wrong value"],
)
async def test_a_wrong_call_gets_one_clean_sentence_and_others_notice_nothing(
    kind: str, join: Join, target: str, arguments: list[object], error: str
) -> None:
    observer, client = await join(OBSERVER), await join(kind)
    refusal = await client.refusal(target, *arguments)
    await client.invoke("broadcast", f"after {client.user}")
    assert refusal == error
    assert await observer.messages_until(f"after {client.user}") == []


async def test_http_sends_reach_whom_they_name(kind: str, join: Join, app: Any, group: str) -> None:
    outsider, client = await join(OBSERVER), await join(kind)
    last = f"to all {client.user}"
    name = quote(group, safe="")
    async with aiohttp.ClientSession() as session:

        async def request(method: str, path: str, text: str | None = None) -> None:
            url = URL(f"{app.api}/{path}", encoded=True)
            body = None if text is None else {"text": text}
            async with session.request(method, url, json=body) as response:
                assert response.status == 202, await response.text()

        await request("POST", f"users/{client.user}/messages", "to the user")
        await request("POST", f"connections/{client.connection_id}/messages", "to the connection")
        await request("PUT", f"groups/{name}/users/{client.user}")
        await request("POST", f"groups/{name}/messages", "to the group, as a user")
        await request("DELETE", f"groups/{name}/users/{client.user}")
        await request("PUT", f"groups/{name}/connections/{client.connection_id}")
        await request("POST", f"groups/{name}/messages", "to the group, as a connection")
        await request("DELETE", f"groups/{name}/connections/{client.connection_id}")
        await request("POST", f"groups/{name}/messages", "to nobody")
        await request("POST", "messages", last)
    assert await client.messages_until(last) == [
        "to the user",
        "to the connection",
        "to the group, as a user",
        "to the group, as a connection",
    ]
    assert await outsider.messages_until(last) == []


async def test_two_clients_talk_at_the_same_time_and_order_is_kept(kind: str, join: Join) -> None:
    first, second = await join(kind), await join(OBSERVER)
    texts = [f"{number} {first.user}" for number in range(20)]

    async def talk() -> None:
        for text in texts:
            await first.invoke("broadcast", text)

    async def listen() -> list[str]:
        heard: list[str] = []
        while len(heard) < len(texts):
            message = await second.next("newMessage")
            if message["sender"] == first.user:
                heard.append(message["text"])
        return heard

    _, heard = await asyncio.gather(talk(), listen())
    assert heard == texts


async def test_http_tells_who_is_there_and_ends_a_connection(
    kind: str, join: Join, app: Any, group: str
) -> None:
    observer, client = await join(OBSERVER), await join(kind)
    await client.invoke("joinGroup", group)
    name = quote(group, safe="")
    async with aiohttp.ClientSession() as session:

        async def status(method: str, path: str) -> int:
            async with session.request(method, URL(f"{app.api}/{path}", encoded=True)) as response:
                return response.status

        there = [f"connections/{client.connection_id}", f"users/{client.user}", f"groups/{name}"]
        before = [await status("GET", path) for path in there]
        closed = await status("DELETE", f"{there[0]}?reason=enough")
        await observer.next("connectionClosed", connectionId=client.connection_id)
        after = [await status("GET", path) for path in there]
    assert (before, closed, after) == ([200] * 3, 202, [404] * 3)


async def test_the_people_are_those_who_are_connected(kind: str, join: Join) -> None:
    observer, client = await join(OBSERVER), await join(kind)
    there = {(one["connectionId"], one["userId"]) for one in await client.invoke("people")}
    assert {(one.connection_id, one.user) for one in (observer, client)} <= there


async def test_the_group_of_the_people_is_not_for_clients(kind: str, join: Join) -> None:
    client = await join(kind)
    for method, arguments in (("joinGroup", []), ("leaveGroup", []), ("sendToGroup", ["hello"])):
        with pytest.raises(Exception, match="the app's own group"):
            await client.invoke(method, "$people", *arguments)


async def test_a_private_message_is_answered_with_whether_somebody_is_there(kind: str, join: Join) -> None:
    observer, client = await join(OBSERVER), await join(kind)
    assert await client.invoke("sendToUser", observer.user, "hello") is True
    assert await client.invoke("sendToConnection", observer.connection_id, "hello") is True
    assert await client.invoke("sendToUser", "nobody", "hello") is False
    assert await client.invoke("sendToConnection", "nobody", "hello") is False
