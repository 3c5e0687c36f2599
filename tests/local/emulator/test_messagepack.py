"""Clients that speak MessagePack, beside those that speak JSON."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import msgpack
import pytest
from aiohttp import web

from local.emulator import UpstreamRule
from signalr.protocol import messagepack_protocol
from signalr.protocol.messages import Completion, HubMessage, Invocation

type Start = Callable[..., Awaitable[Any]]

PATIENCE = 10.0


class PackedClient:
    """Speak MessagePack through a WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._splitter = messagepack_protocol.FrameSplitter()
        self._frames: list[bytes] = []

    async def send(self, message: HubMessage) -> None:
        await self._socket.send_bytes(messagepack_protocol.encode(message))

    async def next(self) -> HubMessage | None:
        while not self._frames:
            async with asyncio.timeout(PATIENCE):
                self._frames = self._splitter.feed(await self._socket.receive_bytes())
        return messagepack_protocol.parse(self._frames.pop(0))


@pytest.fixture
async def service(start: Start, app: Any) -> Any:
    """Run an emulator whose app answers calls of ``echo`` in the protocol that they came in."""

    async def echo(event: Any) -> web.StreamResponse:
        message = messagepack_protocol.parse(event.body)
        assert isinstance(message, Invocation)
        completion = Completion(message.invocation_id or "", message.arguments[0])
        return web.Response(body=messagepack_protocol.encode(completion))

    app.answers["echo"] = echo
    return await start([UpstreamRule(app.url)])


@pytest.fixture
async def packed(service: Any) -> PackedClient:
    """Connect a client that speaks MessagePack."""
    client = await service.open()
    await client.send_text('{"protocol":"messagepack","version":1}\x1e')
    async with asyncio.timeout(PATIENCE):
        # The answer to the handshake is JSON, in a frame of the kind that the protocol uses.
        assert await client.socket.receive_bytes() == b"{}\x1e"
    return PackedClient(client.socket)


async def test_a_message_reaches_clients_of_both_protocols(service: Any, packed: PackedClient) -> None:
    client = await service.connect()
    await service.send("", "to all", 1.5, {"a": [None, True]})
    arguments = ["to all", 1.5, {"a": [None, True]}]
    assert await packed.next() == Invocation("m", arguments)
    assert (await client.next())["arguments"] == arguments


async def test_a_call_goes_to_the_app_without_its_length_and_the_answer_comes_back(
    packed: PackedClient, app: Any
) -> None:
    await app.next("connected")
    await packed.send(Invocation("echo", [b"\x00\xff"], "7"))
    answer = await packed.next()
    event = await app.next("echo")
    assert event.headers["Content-Type"] == "application/x-msgpack"
    assert messagepack_protocol.parse(event.body) == Invocation("echo", [b"\x00\xff"], "7")
    assert answer == Completion("7", b"\x00\xff")


async def test_events_of_the_connection_are_json(packed: PackedClient, app: Any) -> None:
    event = await app.next("connected")
    assert (event.headers["Content-Type"], event.json()) == ("application/json", {"type": 10})


async def test_an_answer_in_the_other_protocol_becomes_an_error(packed: PackedClient, app: Any) -> None:
    app.answer("other", body=b'{"type":3,"invocationId":"1","result":1}\x1e')
    await packed.send(Invocation("other", [], "1"))
    answer = await packed.next()
    assert isinstance(answer, Completion)
    assert answer.error == "Invocation failed, error: the answer is no completion of the hub protocol."


@pytest.mark.parametrize("data", [b"\x01\xc1", b"\xff\xff\xff\xff\xff\x01", b"\x01\x90"])
async def test_bytes_that_are_no_message_end_the_connection(packed: PackedClient, data: bytes) -> None:
    await packed._socket.send_bytes(data)
    closed = await packed.next()
    assert getattr(closed, "error", "") == "Connection closed with an error."


def body(**frames: bytes) -> bytes:
    packed: bytes = msgpack.packb(frames)
    return packed


JSON_FRAME = b'{"type":1,"target":"m","arguments":[1]}\x1e'
PACKED_FRAME = bytes.fromhex("09960180c0a16d910190")


async def post(service: Any, data: bytes) -> int:
    path = "/api/hubs/chat/:send"
    headers = {
        "Authorization": f"Bearer {service.server_token(path)}",
        "Content-Type": "application/octet-stream",
    }
    reply = await service.request("POST", f"{path}?api-version=2022-06-01", headers=headers, data=data)
    status: int = reply.status
    return status


async def test_each_client_gets_the_frame_of_its_protocol(service: Any, packed: PackedClient) -> None:
    client = await service.connect()
    assert await post(service, body(json=JSON_FRAME, messagepack=PACKED_FRAME)) == 202
    assert await packed.next() == Invocation("m", [1])
    assert await client.next() == {"type": 1, "target": "m", "arguments": [1]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x90",
        body(),
        body(messagepack=PACKED_FRAME),
        body(json=b"{}\x1e"),
        body(json=b"\xff\x1e"),
    ],
)
async def test_a_body_without_a_message_is_400(service: Any, data: bytes) -> None:
    assert await post(service, data) == 400
