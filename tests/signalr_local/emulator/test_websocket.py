"""The WebSocket: handshake, framing, and its end."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

type Start = Callable[..., Any]

HANDSHAKE = '{"protocol":"json","version":1}\x1e'


@pytest.mark.parametrize("version", [1, 2])
async def test_a_json_handshake_is_answered_with_an_empty_object(service: Any, version: int) -> None:
    client = await service.open()
    await client.send_text(f'{{"protocol":"json","version":{version}}}\x1e')
    assert await client.next_frame() == "{}"


@pytest.mark.parametrize(
    ("handshake", "error"),
    [
        ('{"protocol":"xml","version":1}', "The protocol 'xml' is not supported."),
        ('{"protocol":"blazor","version":1}', "The protocol 'blazor' is not supported."),
        (
            '{"protocol":"json","version":3}',
            "The server does not support version 3 of the 'json' protocol.",
        ),
        (
            '{"protocol":"json","version":0}',
            "The server does not support version 0 of the 'json' protocol.",
        ),
        ("hello", "An unexpected error occurred during connection handshake."),
        ('{"protocol":"json"}', "An unexpected error occurred during connection handshake."),
        ('{"type":6}', "An unexpected error occurred during connection handshake."),
    ],
)
async def test_a_handshake_that_does_not_fit_is_answered_with_the_error_and_the_end(
    service: Any, handshake: str, error: str
) -> None:
    client = await service.open()
    await client.send_text(handshake + "\x1e")
    assert await client.next() == {"error": error}
    assert await client.ended() == 1000


async def test_a_client_that_sends_no_handshake_is_cut_off(start: Start) -> None:
    service = await start(handshake=0.05)
    client = await service.open()
    await client.send_text('{"protocol"')
    assert await client.next() == {"error": "Handshake was canceled."}
    await client.ended()


async def test_a_token_may_allow_more_time_for_the_handshake(start: Start) -> None:
    service = await start(handshake=0)
    await service.connect(claims={"asrs.s.cht": "30"})


async def test_a_client_may_leave_before_its_handshake(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.open()
    await client.leave()
    other = await service_with_app.connect("ann")
    assert (await app.next("connected")).connection_id == other.connection_id


async def test_a_handshake_may_come_in_pieces_and_bring_messages_along(
    service_with_app: Any, app: Any
) -> None:
    client = await service_with_app.open()
    await client.send_text(HANDSHAKE[:10])
    await client.send_text(
        HANDSHAKE[10:] + '{"type":6}\x1e{"type":1,"target":"a","arguments":[]}\x1e{"type":1,'
    )
    assert await client.next_frame() == "{}"
    await client.send_text('"target":"b","arguments":[]}\x1e')
    for name in ("connected", "a", "b"):
        await app.next(name)


async def test_binary_frames_are_read_as_text(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.open()
    await client.socket.send_bytes(HANDSHAKE.encode())
    assert await client.next_frame() == "{}"


async def test_messages_that_wait_share_a_websocket_message(service: Any) -> None:
    client = await service.open()
    count = 1000
    await client.send_text(HANDSHAKE)
    assert await client.next_frame() == "{}"
    stream = '{"type":4,"invocationId":"1","target":"s","arguments":[]}\x1e'
    await client.send_text(stream * count)
    frames, sockets_messages = 0, 0
    while frames < count:
        message = await client.socket.receive()
        frames += message.data.count("\x1e")
        sockets_messages += 1
        assert len(message.data) <= 64 * 1024
    assert sockets_messages < count / 10


async def test_a_large_message_passes_in_both_directions(service_with_app: Any, app: Any) -> None:
    text = "x" * (8 * 1024 * 1024)

    async def echo(event: Any) -> Any:
        return event.completion(result=event.json()["arguments"][0])

    app.answers["echo"] = echo
    client = await service_with_app.connect()
    assert (await client.invoke("echo", text))["result"] == text


async def test_neither_compression_nor_websocket_pings_are_used(start: Start) -> None:
    service = await start(ping=0.02)
    token = service.client_token()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{service.url}/client/?hub=chat&access_token={token}", autoping=False, compress=15
        ) as socket,
    ):
        assert socket.compress == 0
        await socket.send_str(HANDSHAKE)
        for _ in range(3):
            assert (await socket.receive()).type is aiohttp.WSMsgType.TEXT


async def test_a_client_that_leaves_is_answered_in_kind(service: Any) -> None:
    client = await service.connect()
    async with asyncio.timeout(5):
        await client.leave()
    assert client.socket.close_code == 1000


async def test_a_client_that_does_not_hang_up_is_hung_up_on(start: Start) -> None:
    service = await start(close=0.05, handshake=0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.emulator.port)
    writer.write(
        f"GET /client/?hub=chat&access_token={service.client_token()} HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        received = await reader.read(-1)
    assert received.startswith(b"HTTP/1.1 101 ")
    assert b'{"error":"Handshake was canceled."}\x1e' in received.replace(b": ", b":")
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_does_not_read_its_last_messages_is_cut_off(start: Start) -> None:
    service = await start(close=0.05)
    answer = (await service.negotiate()).json()
    query = f"hub=chat&id={answer['connectionToken']}"
    client = await service.open(query)
    await client.send_text(HANDSHAKE)
    await client.next_frame()
    client.take_little()
    for _ in range(28):
        await service.send("", "x" * 500_000)
    await service.rest("DELETE", f"/connections/{answer['connectionId']}")
    async with asyncio.timeout(10):
        # The id is in use until the socket is closed.
        while await service.refusal(query) == 409:
            pass
