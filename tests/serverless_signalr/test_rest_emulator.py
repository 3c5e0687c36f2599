"""The data-plane client and the emulator: what one asks for, the clients of the other see."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import UnauthorizedError
from serverless_signalr.rest import ServiceClient
from signalr_local.emulator import Emulator

PATIENCE = 10.0
"""Seconds after which something that should have happened has not; far more than a slow machine needs."""


class Browser:
    """Be connected to the hub, and read what comes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, connection_id: str) -> None:
        self.connection_id = connection_id
        self._socket = socket
        self._frames: list[str] = []

    async def handshake(self) -> None:
        await self._socket.send_str('{"protocol":"json","version":1}\x1e')
        assert await self.next() == {}

    async def next(self) -> Any:
        """Return the next message, pings aside."""
        while True:
            while not self._frames:
                async with asyncio.timeout(PATIENCE):
                    message = await self._socket.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, f"got {message}"
                self._frames += message.data.split("\x1e")[:-1]
            value = json.loads(self._frames.pop(0))
            if value.get("type") != 6:
                return value

    async def received(self) -> list[Any]:
        """Return the arguments of the next message."""
        arguments: list[Any] = (await self.next())["arguments"]
        return arguments


type Connect = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    emulator = Emulator()
    await emulator.start(port=0)
    yield Endpoint.parse(emulator.connection_string)
    await emulator.stop()


@pytest.fixture
async def client(endpoint: Endpoint) -> AsyncIterator[ServiceClient]:
    async with ServiceClient(endpoint, "chat") as client:
        yield client


@pytest.fixture
async def connect(endpoint: Endpoint) -> AsyncIterator[Connect]:
    """Connect clients as a browser does."""
    async with aiohttp.ClientSession() as session:

        async def connect_one(user: str | None = None) -> Browser:
            token = sign_client_token(endpoint, "chat", user_id=user)
            headers = {"Authorization": f"Bearer {token}"}
            url = f"{endpoint.client_url}/client"
            async with session.post(f"{url}/negotiate?hub=chat&negotiateVersion=1", headers=headers) as reply:
                answer = await reply.json()
            opened = await session.ws_connect(
                f"{url}/?hub=chat&id={answer['connectionToken']}", headers=headers
            )
            browser = Browser(opened, answer["connectionId"])
            await browser.handshake()
            return browser

        yield connect_one


async def test_message_reaches_everybody_but_the_excluded(client: ServiceClient, connect: Connect) -> None:
    ann, bob = await connect("ann"), await connect("bob")
    await client.send_to_all("m", "not bob", excluded=[bob.connection_id])
    await client.send_to_all("m", {"to": ["all", None, 1.5, "é"]})
    assert await ann.received() == ["not bob"]
    assert await ann.received() == await bob.received() == [{"to": ["all", None, 1.5, "é"]}]


@pytest.mark.parametrize("user", ["ann", "a b", "a/b", "Zoë 群", "100%", "&=+;,:@!$'()*", "?#[]`"])
async def test_message_reaches_one_user_of_any_name(
    client: ServiceClient, connect: Connect, user: str
) -> None:
    mine, other = await connect(user), await connect("other")
    await client.send_to_user(user, "m", "for you")
    await client.send_to_all("m", "for all")
    assert await mine.received() == ["for you"]
    assert await other.received() == ["for all"]


async def test_message_reaches_one_connection(client: ServiceClient, connect: Connect) -> None:
    one, other = await connect("ann"), await connect("ann")
    await client.send_to_connection(one.connection_id, "m", 1)
    await client.send_to_connections([one.connection_id, other.connection_id], "m", 2)
    assert [await one.received(), await one.received()] == [[1], [2]]
    assert await other.received() == [2]


async def test_message_reaches_several_users_and_groups(client: ServiceClient, connect: Connect) -> None:
    ann, bob = await connect("ann"), await connect("bob")
    await client.send_to_users(["ann", "bob", "nobody"], "m", 1)
    assert await ann.received() == await bob.received() == [1]
    await client.add_user_to_group("g", user_id="ann")
    await client.add_connection_to_group("h", connection_id=bob.connection_id)
    await client.send_to_groups(["g", "h"], "m", 2)
    assert await ann.received() == await bob.received() == [2]


async def test_group_has_who_was_added_and_not_removed(client: ServiceClient, connect: Connect) -> None:
    ann, bob = await connect("ann"), await connect("bob")
    for browser in (ann, bob):
        await client.add_connection_to_group("a/b", connection_id=browser.connection_id)
    await client.send_to_group("a/b", "m", 1, excluded=[bob.connection_id])
    await client.remove_connection_from_group("a/b", connection_id=ann.connection_id)
    await client.send_to_group("a/b", "m", 2)
    await client.remove_connection_from_all_groups(connection_id=bob.connection_id)
    await client.send_to_group("a/b", "m", 3)
    await client.send_to_all("m", 4)
    assert [await ann.received(), await ann.received()] == [[1], [4]]
    assert [await bob.received(), await bob.received()] == [[2], [4]]


async def test_user_stays_in_a_group_for_connections_to_come(client: ServiceClient, connect: Connect) -> None:
    await client.add_user_to_group("g", user_id="ann", ttl=timedelta(hours=1))
    ann = await connect("ann")
    await client.send_to_group("g", "m", 1)
    assert await ann.received() == [1]
    assert await client.is_user_in_group("g", user_id="ann")
    await client.remove_user_from_group("g", user_id="ann")
    assert not await client.is_user_in_group("g", user_id="ann")
    await client.add_user_to_group("g", user_id="ann")
    await client.remove_user_from_all_groups(user_id="ann")
    assert not await client.is_user_in_group("g", user_id="ann")


async def test_user_of_this_moment_is_not_remembered(client: ServiceClient, connect: Connect) -> None:
    ann = await connect("ann")
    await client.add_user_to_group("g", user_id="ann", ttl=timedelta(0))
    await client.send_to_group("g", "m", 1)
    assert await ann.received() == [1]
    assert not await client.is_user_in_group("g", user_id="ann")


async def test_what_exists_is_told(client: ServiceClient, connect: Connect) -> None:
    ann = await connect("ann")
    await client.add_connection_to_group("g", connection_id=ann.connection_id)
    for there in (
        client.connection_exists(ann.connection_id),
        client.user_exists("ann"),
        client.group_exists("g"),
        client.is_healthy(),
    ):
        assert await there
    for absent in (client.connection_exists("c"), client.user_exists("bob"), client.group_exists("h")):
        assert not await absent


async def test_connection_that_is_gone_is_no_error(client: ServiceClient) -> None:
    await client.add_connection_to_group("g", connection_id="gone")
    await client.remove_connection_from_group("g", connection_id="gone")
    await client.remove_connection_from_all_groups(connection_id="gone")
    await client.close_connection("gone")
    await client.send_to_connection("gone", "m")


async def test_closed_connection_is_told_why(client: ServiceClient, connect: Connect) -> None:
    ann = await connect("ann")
    await client.close_connection(ann.connection_id, "bye & thanks")
    closed = await ann.next()
    assert (closed["type"], closed["error"]) == (7, "bye & thanks")
    assert not await client.connection_exists(ann.connection_id)


async def test_another_key_does_not_open(endpoint: Endpoint) -> None:
    text = f"Endpoint={endpoint.url};AccessKey={'x' * 44};"
    async with ServiceClient(text, "chat") as client:
        with pytest.raises(
            UnauthorizedError, match=r"failed with 401 \(The signature is invalid\): compare AccessKey"
        ):
            await client.send_to_all("m")


async def test_application_is_a_hub_of_its_own(
    endpoint: Endpoint, client: ServiceClient, connect: Connect
) -> None:
    ann = await connect("ann")
    async with ServiceClient(endpoint, "chat", application="other") as other:
        await other.send_to_all("m", "other")
        assert not await other.user_exists("ann")
    await client.send_to_all("m", "ours")
    assert await ann.received() == ["ours"]
