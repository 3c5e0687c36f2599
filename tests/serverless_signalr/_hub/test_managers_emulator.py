"""Clients of a hub at the emulator: who receives what, and who is in which group."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from serverless_signalr import SignalRConnectionInfo
from signalr_local.emulator import Emulator
from tests.serverless_signalr._hub.recorder import Chat, ChatClient

PATIENCE = 10.0
"""Seconds after which something that should have happened has not."""


class Client:
    """Be a client of the emulator, connected through what the hub's negotiate answered."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._frames: list[str] = []
        self.connection_id = ""

    async def connect(self, info: SignalRConnectionInfo) -> None:
        headers = {"Authorization": f"Bearer {info.access_token}"}
        address, _, query = info.url.partition("?")
        url = f"{address.rstrip('/')}/negotiate?{query}&negotiateVersion=1"
        async with self._session.post(url, headers=headers) as answer:
            negotiated = await answer.json()
        self.connection_id = negotiated["connectionId"]
        url = f"{info.url}&id={negotiated['connectionToken']}"
        self._socket = await self._session.ws_connect(url, headers=headers)
        await self._socket.send_str('{"protocol":"json","version":1}\x1e')
        assert await self.next() == {}

    async def next(self) -> Any:
        while not self._frames:
            async with asyncio.timeout(PATIENCE):
                message = await self._socket.receive_str()
            self._frames = message.split("\x1e")[:-1]
        return json.loads(self._frames.pop(0))

    async def texts(self, last: str) -> list[str]:
        """Return the texts of the messages received before the one with the text ``last``."""
        texts: list[str] = []
        while True:
            message = await self.next()
            if message["type"] == 6:
                continue
            if message["arguments"] == [last]:
                return texts
            texts += message["arguments"]

    async def leave(self) -> None:
        await self._socket.close()


class Room:
    """Hold a hub and three clients: ann has two, the first of which is in the group g, as bob is."""

    def __init__(self, chat: Chat, clients: dict[str, Client]) -> None:
        self.chat = chat
        self.clients = clients

    def id(self, name: str) -> str:
        return self.clients[name].connection_id

    async def receivers(self) -> dict[str, list[str]]:
        """Return what each has received, but for those who received nothing."""
        await self.chat.clients.all.new_message("that is all")
        received = {name: await client.texts("that is all") for name, client in self.clients.items()}
        return {name: texts for name, texts in received.items() if texts}


@pytest.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    emulator = Emulator()
    await emulator.start(port=0)
    monkeypatch.setenv("AzureSignalRConnectionString", emulator.connection_string)
    chat = Chat()
    async with aiohttp.ClientSession() as session:
        clients = {name: Client(session) for name in ("ann1", "ann2", "bob")}
        for name, client in clients.items():
            await client.connect(await chat.negotiate(user_id=name.rstrip("12")))
        for name in ("ann1", "bob"):
            await chat.groups.add("g", connection_id=clients[name].connection_id)
        yield Room(chat, clients)
        await asyncio.gather(emulator.stop(), *(client.leave() for client in clients.values()))
    await chat.service.aclose()


@pytest.mark.parametrize(
    ("choose", "receivers"),
    [
        pytest.param(lambda to, id: to.all, {"ann1", "ann2", "bob"}, id="all"),
        pytest.param(lambda to, id: to.all_except([id("ann1"), id("bob")]), {"ann2"}, id="all-except"),
        pytest.param(lambda to, id: to.client(id("ann2")), {"ann2"}, id="client"),
        pytest.param(lambda to, id: to.clients([id("ann2"), id("bob")]), {"ann2", "bob"}, id="clients"),
        pytest.param(lambda to, id: to.group("g"), {"ann1", "bob"}, id="group"),
        pytest.param(lambda to, id: to.group_except("g", [id("bob")]), {"ann1"}, id="group-except"),
        pytest.param(lambda to, id: to.groups(["g", "h"]), {"ann1", "bob"}, id="groups"),
        pytest.param(lambda to, id: to.user("ann"), {"ann1", "ann2"}, id="user"),
        pytest.param(lambda to, id: to.users(["bob", "eve"]), {"bob"}, id="users"),
        pytest.param(lambda to, id: to.user("eve"), set(), id="nobody"),
    ],
)
async def test_message_reaches_whom_it_is_for(
    room: Room, choose: Callable[..., ChatClient], receivers: set[str]
) -> None:
    await choose(room.chat.clients, room.id).new_message("hi")
    assert await room.receivers() == {name: ["hi"] for name in receivers}


@pytest.mark.parametrize(
    ("change", "receivers"),
    [
        pytest.param(
            lambda chat, id: chat.groups.add("g", connection_id=id("ann2")),
            {"ann1", "ann2", "bob"},
            id="joined",
        ),
        pytest.param(lambda chat, id: chat.groups.remove("g", connection_id=id("ann1")), {"bob"}, id="left"),
        pytest.param(
            lambda chat, id: chat.groups.remove_from_all(connection_id=id("bob")), {"ann1"}, id="left-all"
        ),
        pytest.param(
            lambda chat, id: chat.user_groups.add("g", user_id="ann"), {"ann1", "ann2", "bob"}, id="user"
        ),
        pytest.param(lambda chat, id: chat.user_groups.remove("g", user_id="ann"), {"bob"}, id="user-left"),
        pytest.param(
            lambda chat, id: chat.user_groups.remove_from_all(user_id="bob"), {"ann1"}, id="user-left-all"
        ),
    ],
)
async def test_group_has_who_joined_and_did_not_leave(
    room: Room, change: Callable[..., Awaitable[None]], receivers: set[str]
) -> None:
    await change(room.chat, room.id)
    await room.chat.clients.group("g").new_message("hi")
    assert await room.receivers() == {name: ["hi"] for name in receivers}


async def test_user_in_a_group_is_known(room: Room) -> None:
    await room.chat.user_groups.add("h", user_id="ann")
    assert await room.chat.user_groups.contains("h", user_id="ann") is True
    assert await room.chat.user_groups.contains("h", user_id="bob") is False


async def test_closed_connection_is_told_the_reason(room: Room) -> None:
    await room.chat.client_manager.close_connection(room.id("bob"), "bye")
    message = await room.clients["bob"].next()
    assert (message["type"], message["error"]) == (7, "bye")
