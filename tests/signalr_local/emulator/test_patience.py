"""Clients that send half a request, or send it slowly."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

type Start = Callable[..., Any]


@pytest.mark.parametrize(
    "sent", [b"", b"GET /client/?hub=chat HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "]
)
async def test_a_client_that_sends_half_a_request_is_hung_up_on(start: Start, sent: bytes) -> None:
    service = await start(request=0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.emulator.port)
    writer.write(sent)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        async with asyncio.timeout(10):
            await reader.readexactly(1)
    writer.close()


async def test_a_client_that_sends_half_of_a_second_request_is_hung_up_on(start: Start) -> None:
    service = await start(idle=0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.emulator.port)
    writer.write(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/hea")
    async with asyncio.timeout(10):
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        assert await reader.read() == b""
    writer.close()


async def test_a_client_that_posts_half_of_a_body_is_answered_408(start: Start) -> None:
    service = await start(request=0.05)
    poller = await service.poller()
    await poller.shake_hands()
    reader, writer = await asyncio.open_connection("127.0.0.1", service.emulator.port)
    writer.write(
        f"POST {poller.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"
        f"Authorization: {poller.headers['Authorization']}\r\n\r\nhalf".encode()
    )
    async with asyncio.timeout(10):
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_websocket_that_waits_for_messages_is_not_hung_up_on(start: Start) -> None:
    service = await start(request=0.02)
    client = await service.connect()
    await asyncio.sleep(0.05)
    await service.send("", "hello")
    assert (await client.next())["arguments"] == ["hello"]
