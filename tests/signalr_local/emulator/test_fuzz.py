"""Clients that send anything at any time harm neither the emulator, nor others, nor what the app learns.

``pytest --full`` runs many more of them. A failure names the seed, which makes the same bytes again.
"""

import asyncio
import contextlib
import gc
import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from serverless_signalr.protocol import messagepack_protocol
from signalr_local.emulator import UpstreamRule

type Start = Callable[..., Any]

PATIENCE = 20.0

UPGRADE = (
    "GET /client/?hub=chat&access_token={token} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)

JSON_CORPUS = [
    b'{"type":1,"target":"m","arguments":[1,"\xc3\xa9",null,{"a":[1.5]}]}\x1e',
    b'{"type":1,"invocationId":"1","target":"m","arguments":[1e400,-0,1.10]}\x1e',
    b'{"type":1,"target":"\\ud83d","arguments":[]}\x1e',
    b'{"type":1,"target":"m","arguments":["\\ud83d"],"headers":{"Authorization":"x"},"streamIds":["1"]}\x1e',
    b'{"type":2,"invocationId":"1","item":1}\x1e{"type":3,"invocationId":"1","result":[]}\x1e',
    b'{"type":4,"invocationId":"1","target":"s","arguments":[]}\x1e{"type":5,"invocationId":"1"}\x1e',
    b'{"type":6}\x1e{"type":7}\x1e{"type":8,"sequenceId":1}\x1e{"type":9,"sequenceId":1}\x1e',
    b"[" * 2000 + b"\x1e",
    b'{"type":1,"target":"m","arguments":[' + b"9" * 5000 + b"]}\x1e",
    b"\x1e\x1e\x1e",
    b"\xff\xfe\x1e",
]
PACKED_CORPUS = [
    messagepack_protocol.frame(msgpack.packb(fields))
    for fields in (
        [1, {}, None, "m", [1, "é", None, {"a": [1.5]}], []],
        [
            1,
            {"Authorization": "x"},
            "1",
            "m",
            [msgpack.Timestamp(2**40), msgpack.ExtType(5, b"x"), 2**64 - 1],
        ],
        [2, {}, "1", 1],
        [3, {}, "1", 3, b"\xff"],
        [4, {}, "1", "s", [], []],
        [5, {}, "1"],
        [6],
        [7, None],
        [8, 1],
        [99],
    )
] + [
    b"\x05\x95\x01\x80\xa1",
    b"\xff\xff\xff\xff\x07",
    b"\x00",
    bytes(3) + b"\x91" * 3000,
    b"\x07\x95\x01\x80\xc0\xa1\xff\x90",
]


class Mutator:
    """Make bytes that are almost right."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def mutate(self, data: bytes) -> bytes:
        chance = self.chance
        changed = bytearray(data)
        for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
            at = chance.randrange(len(changed) + 1)
            match chance.randrange(5):
                case 0 if changed:
                    changed[at % len(changed)] ^= 1 << chance.randrange(8)
                case 1:
                    del changed[at : at + chance.randrange(1, 10)]
                case 2:
                    changed[at:at] = chance.randbytes(chance.randrange(1, 10))
                case 3:
                    changed[at:at] = changed[: chance.randrange(1, 50)]
                case _:
                    del changed[at:]
        return bytes(changed)

    def frame(self, payload: bytes) -> bytes:
        """Return a WebSocket frame, mostly a right one."""
        chance = self.chance
        opcode = chance.choice((0x81, 0x81, 0x82, 0x82, 0x82, 0x01, 0x80, 0x00, 0x89, 0x8A, 0x88, 0xC1, 0x83))
        if chance.random() < 0.7:
            opcode = 0x82
        size = len(payload)
        if size < 126:
            head = bytes((opcode, 0x80 | size))
        elif size < 65536:
            head = bytes((opcode, 0xFE)) + size.to_bytes(2)
        else:
            head = bytes((opcode, 0xFF)) + size.to_bytes(8)
        mask = chance.randbytes(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        whole = head + mask + masked
        return self.mutate(whole) if chance.random() < 0.1 else whole

    def session(self, token: str) -> list[bytes]:
        """Return what one client sends, in pieces."""
        chance = self.chance
        is_packed = chance.random() < 0.5
        name = b"messagepack" if is_packed else b"json"
        upgrade = UPGRADE.format(token=token).encode()
        handshake = b'{"protocol":"%b","version":%d}\x1e' % (name, chance.choice((1, 1, 1, 2, 3)))
        if chance.random() < 0.1:
            upgrade = self.mutate(upgrade)
        if chance.random() < 0.2:
            handshake = self.mutate(handshake)
        corpus = PACKED_CORPUS if is_packed else JSON_CORPUS
        messages = [self.mutate(chance.choice(corpus)) for _ in range(chance.randrange(8))]
        sent = upgrade + self.frame(handshake) + b"".join(self.frame(message) for message in messages)
        pieces = []
        while sent:
            size = chance.choice((1, 7, 100, 1000, len(sent)))
            pieces.append(sent[:size])
            sent = sent[size:]
        return pieces


async def behave_badly(service: Any, seed: int) -> None:
    mutator = Mutator(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.emulator.port)
    with contextlib.suppress(ConnectionError):
        for piece in mutator.session(service.client_token(user_id=f"user{seed}")):
            writer.write(piece)
            await writer.drain()
            if mutator.chance.random() < 0.3:
                await asyncio.sleep(0)
        if mutator.chance.random() < 0.5:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    await reader.read(65536)
    if mutator.chance.random() < 0.5:
        writer.transport.abort()
    else:
        writer.close()


async def post_badly(service: Any, seed: int) -> None:
    """Be a client of long polling or of an event stream that posts anything, and breaks its requests off."""
    mutator = Mutator(seed)
    chance = mutator.chance
    streams = chance.random() < 0.5
    token = service.client_token(user_id=f"poster{seed}")
    answer = (await service.negotiate(token=token)).json()
    head = f"/client/?hub=chat&id={answer['connectionToken']} HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Authorization: Bearer {token}\r\n"
    writers = []

    async def send(method: str, extra: str, body: bytes = b"") -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.emulator.port)
        writers.append(writer)
        with contextlib.suppress(ConnectionError, TimeoutError):
            writer.write(f"{method} {head}{extra}\r\n".encode() + body)
            async with asyncio.timeout(chance.choice((0, 0.005, 0.05))):
                await reader.read(65536)

    get = ("GET", "Accept: text/event-stream\r\n" if streams else "")
    await send(*get)
    is_packed = not streams and chance.random() < 0.5
    name = b"messagepack" if is_packed else b"json"
    posts = [b'{"protocol":"%b","version":1}\x1e' % name]
    corpus = PACKED_CORPUS if is_packed else JSON_CORPUS
    posts += [mutator.mutate(chance.choice(corpus)) for _ in range(chance.randrange(6))]
    for post in posts:
        length = len(post) + chance.choice((0, 0, 0, 7))
        await send("POST", f"Content-Length: {length}\r\n", post)
        match chance.randrange(5):
            case 0:
                await send(*get)
            case 1:
                writers[-1].transport.abort()
            case 2:
                await send(chance.choice(("DELETE", "PUT", "HEAD")), "")
    for writer in writers:
        writer.transport.abort()
    # Who polls would count as there for a while.
    await service.request(
        "DELETE",
        f"/client/?hub=chat&id={answer['connectionToken']}",
        headers={"Authorization": f"Bearer {token}"},
    )


async def test_clients_that_send_anything_harm_nobody(
    start: Start, app: Any, caplog: pytest.LogCaptureFixture, pytestconfig: pytest.Config
) -> None:
    # Who polls and is never heard of again counts as there for so long.
    service = await start([UpstreamRule(app.url)], poll_gap=1.0)
    count = 20_000 if pytestconfig.getoption("--full") else 300
    caplog.set_level(logging.WARNING)
    good = await service.connect("good")
    seen: Counter[str] = Counter()
    open_ids: dict[str, int] = {}
    told = asyncio.Event()

    async def watch() -> None:
        while True:
            event = await app.events.get()
            seen[event.name] += 1
            if event.name == "connected":
                open_ids[event.connection_id] = 1
            elif event.name == "disconnected":
                told.set()
                assert open_ids.pop(event.connection_id), event.headers

    watching = asyncio.create_task(watch())
    for first in range(0, count, 20):
        await asyncio.gather(
            *(behave_badly(service, seed) for seed in range(first, first + 20)),
            *(post_badly(service, seed) for seed in range(first, first + 4)),
        )
        # Others are served meanwhile.
        async with asyncio.timeout(PATIENCE):
            assert await good.invoke("m", first) == {"type": 3, "invocationId": "1"}
        for record in caplog.records:
            # The app of these tests is an aiohttp server, which shows headers that are not valid.
            if record.name != "aiohttp.server":
                assert record.exc_info is None, f"seeds {first} to {first + 19}: {record.getMessage()}"
                assert record.name.startswith("signalr_local"), f"seeds {first} to {first + 19}: {record}"
        caplog.clear()
    last = await service.connect("last")
    await last.leave()
    async with asyncio.timeout(PATIENCE):
        while set(open_ids) != {good.connection_id}:
            await told.wait()
            told.clear()
    watching.cancel()
    assert seen["connected"] > count / 3
    assert set(open_ids) == {good.connection_id}
    assert set(service.emulator._hubs["chat"].connections) == {good.connection_id}


def own_objects() -> Counter[str]:
    """Count the objects of the local runtime's own types."""
    gc.collect()
    return Counter(
        str(type(one)) for one in gc.get_objects() if str(type(one)).startswith("<class 'signalr_local.")
    )


async def test_connections_that_come_and_go_leave_nothing_behind(
    service: Any, pytestconfig: pytest.Config
) -> None:
    rounds = 20_000 if pytestconfig.getoption("--full") else 100

    # What was found out about a token is kept for a while.
    token = service.client_token()

    async def come_and_go(times: int) -> None:
        for _ in range(times):
            client = await service.open("hub=chat", token)
            await client.send_text('{"protocol":"json","version":1}\x1e')
            await client.next_frame()
            await client.leave()
        service._clients.clear()

    await come_and_go(10)
    before = own_objects()
    await come_and_go(rounds)
    assert own_objects() - before == Counter()


STATES: dict[str, Callable[[str], bytes]] = {
    "nothing": lambda token: b"",
    "half a request": lambda token: UPGRADE.format(token=token).encode()[:40],
    "an upgrade": lambda token: UPGRADE.format(token=token).encode(),
    "half a handshake": lambda token: UPGRADE.format(token=token).encode() + b'\x81\x8a\0\0\0\0{"protocol',
    "half a frame": lambda token: UPGRADE.format(token=token).encode() + b"\x81\xfe\x10",
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("garbage", [b"", b"\0" * 1000, b"\xff" * 1000, b"GET / HTTP/1.1\r\n\r\n" * 10])
async def test_garbage_in_any_state_ends_that_connection_alone(
    service_with_app: Any, caplog: pytest.LogCaptureFixture, state: str, garbage: bytes
) -> None:
    good = await service_with_app.connect()
    reader, writer = await asyncio.open_connection("127.0.0.1", service_with_app.emulator.port)
    writer.write(STATES[state](service_with_app.client_token()) + garbage)
    writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError):
            await reader.read(-1)
    writer.close()
    assert (await good.invoke("echo", 1))["result"] == 1
    assert not [record for record in caplog.records if record.exc_info]
