"""The WebSocket: handshake, framing, and its end."""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from serverless_signalr.protocol.messages import Invocation
from signalr_local.emulator import UpstreamRule
from signalr_local.emulator.delivery import Delivery
from signalr_local.emulator.limits import Limits
from signalr_local.emulator.protocols import Encoded, Outgoing
from signalr_local.emulator.terms import Terms
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.websocket import WebSocketSession

type Start = Callable[..., Any]

HANDSHAKE = '{"protocol":"json","version":1}\x1e'


@pytest.mark.parametrize(("protocol", "version"), [("json", 1), ("json", 2), ("json", 0), ("JSON", 1)])
async def test_a_json_handshake_is_answered_with_an_empty_object(
    service: Any, protocol: str, version: int
) -> None:
    client = await service.open()
    await client.send_text(f'{{"protocol":"{protocol}","version":{version}}}\x1e')
    assert await client.next_frame() == "{}"


@pytest.mark.parametrize(
    ("handshake", "error"),
    [
        ('{"protocol":"xml","version":1}', "The protocol 'xml' is not supported."),
        ('{"protocol":"BlazorPack","version":1}', "The protocol 'BlazorPack' is not supported."),
        ('{"protocol":"blazor","version":1}', "The protocol 'blazor' is not supported."),
        (
            '{"protocol":"json","version":3}',
            "The server does not support version 3 of the 'json' protocol.",
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


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        ('{"protocol":"json"}\x1e', "the first message is not a handshake such as"),
        ("x" * 33_000, "its first 32,768 bytes have no record separator (0x1E)"),
        ('{"protocol":"\\ud83d","version":1}\x1e', "half of a surrogate pair is no text"),
    ],
    ids=["no-version", "no-end", "half-a-pair"],
)
async def test_the_log_says_what_is_wrong_with_a_handshake(
    service: Any, caplog: pytest.LogCaptureFixture, sent: str, cause: str
) -> None:
    client = await service.open()
    await client.send_text(sent)
    assert await client.next() == {"error": "An unexpected error occurred during connection handshake."}
    assert f"That is because {cause}" in caplog.text


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


async def test_a_large_message_is_one_frame(service: Any) -> None:
    reader, writer = await open_raw(service, extra=masked(HANDSHAKE))
    await reader.readuntil(b"{}\x1e")
    await service.send("", "x" * 500_000)
    async with asyncio.timeout(10):
        head = await reader.readexactly(10)
        assert head[:2] == b"\x81\x7f", "a whole message of text, its length in 8 bytes"
        message = await reader.readexactly(int.from_bytes(head[2:]))
    assert json.loads(message[:-1])["arguments"] == ["x" * 500_000]
    writer.close()


async def test_text_that_is_not_utf_8_ends_the_connection_like_any_other_nonsense(service: Any) -> None:
    reader, writer = await open_raw(service, extra=masked(HANDSHAKE) + masked(b"\xff\x1e"))
    assert (await until_end(reader, writer)).endswith(GOODBYE + NORMAL)


async def test_an_idle_connection_has_no_task(service: Any) -> None:
    before = asyncio.all_tasks()
    sockets = [await open_raw(service, extra=masked(HANDSHAKE)) for _ in range(20)]
    for reader, _ in sockets:
        await reader.readuntil(b"{}\x1e")
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    for _, writer in sockets:
        writer.close()


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
    service = await start(close=0.05)
    reader, writer = await open_raw(service, extra=masked(HANDSHAKE))
    await reader.readuntil(b"{}\x1e")
    (connection,) = service.emulator.connections
    await service.rest("DELETE", f"/connections/{connection.connection_id}")
    assert (await until_end(reader, writer)).endswith(b'{"type":7,"allowReconnect":true}\x1e' + NORMAL)
    assert (await service.rest("HEAD", f"/connections/{connection.connection_id}")).status == 404


async def test_a_client_without_a_handshake_that_does_not_hang_up_is_hung_up_on(start: Start) -> None:
    service = await start(close=0.05, handshake=0.05)
    reader, writer = await open_raw(service)
    assert (await until_end(reader, writer)).endswith(b'{"error":"Handshake was canceled."}\x1e' + NORMAL)


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


async def open_raw(
    service: Any, *, extra: bytes = b"", headers: Mapping[str, str] | None = None, method: str = "GET"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send an upgrade request with nothing between the test and the socket."""
    lines = {
        "Host": "localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        **(headers or {}),
    }
    reader, writer = await asyncio.open_connection("127.0.0.1", service.emulator.port)
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    token = service.client_token()
    request = f"{method} /client/?hub=chat&access_token={token} HTTP/1.1\r\n{head}\r\n"
    writer.write(request.encode(errors="surrogateescape") + extra)
    return reader, writer


def masked(text: str | bytes, opcode: int = 1) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    assert len(data) < 126
    return bytes([0x80 | opcode, 0x80 | len(data)]) + b"\0\0\0\0" + data


async def until_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    async with asyncio.timeout(10):
        received = await reader.read(-1)
    writer.close()
    return received


NORMAL = b"\x88\x02\x03\xe8"
"""The frame that ends a WebSocket with code 1000."""

GOODBYE = b'{"type":7,"error":"Connection closed with an error.","allowReconnect":true}\x1e'


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (b"\x81\x01x", "not masked"),
        (b"\xf1\x80\0\0\0\0", "begins with the byte 0xf1"),
        (b"\x09\x80\0\0\0\0", "control frame"),
        (b"\x80\x80\0\0\0\0", "continues nothing"),
    ],
)
async def test_a_client_that_breaks_the_websocket_protocol_is_told_goodbye_and_the_app_why(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture, broken: bytes, rule: str
) -> None:
    reader, writer = await open_raw(service_with_app)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(masked(HANDSHAKE))
    await reader.readuntil(b"{}\x1e")
    writer.write(broken)
    received = await until_end(reader, writer)
    assert GOODBYE in received
    assert received.endswith(b"\x88\x02\x03\xea")
    await app.next("connected")
    assert rule in (await app.next("disconnected")).json()["Error"]
    assert rule in caplog.text
    assert "Traceback" not in caplog.text


async def test_an_unmasked_frame_before_the_handshake_ends_the_connection(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await open_raw(service)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\x81\x01x")
    assert await until_end(reader, writer) == b"\x88\x02\x03\xea"
    assert "not masked" in caplog.text


async def test_what_a_client_sends_with_its_upgrade_request_is_not_lost(
    service_with_app: Any, app: Any
) -> None:
    call = '{"type":1,"target":"m","arguments":[]}\x1e'
    reader, writer = await open_raw(service_with_app, extra=masked(HANDSHAKE) + masked(call))
    await reader.readuntil(b"{}\x1e")
    await app.next("connected")
    await app.next("m")
    writer.close()


async def test_bytes_may_come_one_by_one(service_with_app: Any, app: Any) -> None:
    reader, writer = await open_raw(service_with_app)
    await reader.readuntil(b"\r\n\r\n")
    for byte in masked(HANDSHAKE) + masked('{"type":1,"target":"é","arguments":[]}\x1e'):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    await app.next("connected")
    assert (await app.events.get()).json()["target"] == "é"
    writer.close()


async def test_a_websocket_ping_is_answered(service: Any) -> None:
    client = await service.connect()
    async with asyncio.timeout(10):
        await client.socket.ping(b"are you there")
        await client.send({"type": 6})
        await service.send("", "hello")
        assert (await client.next())["arguments"] == ["hello"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Connection": "close"},
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": ""},
        {"Sec-WebSocket-Key": "\udcff" * 24},
    ],
)
async def test_an_upgrade_request_that_is_not_valid_is_a_400(service: Any, headers: dict[str, str]) -> None:
    reader, writer = await open_raw(service, headers={"Connection": "Upgrade, close", **headers})
    answer = await until_end(reader, writer)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"A WebSocket needs" in answer or b"Sec-WebSocket-Key must be" in answer


@pytest.mark.parametrize("method", ["POST", "DELETE", "HEAD", "OPTIONS"])
async def test_only_a_get_becomes_a_websocket(service: Any, method: str) -> None:
    reader, writer = await open_raw(service, method=method)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 401 ")
    writer.close()


async def test_a_client_that_is_gone_is_not_written_to(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await service.connect()
    (session,) = service.emulator.sessions
    session.abort()
    session.data_received(masked("are you there", 9) * 100)
    assert not [record for record in caplog.records if record.name == "asyncio"]


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_a_message_over_the_limit_closes_the_connection_which_may_come_back(
    start: Start, app: Any, protocol: str
) -> None:
    service = await start([UpstreamRule(app.url)], limits=Limits(message=100_000))
    client = await service.open()
    await client.send_text(HANDSHAKE.replace("json", protocol))
    await client.socket.receive()
    await app.next("connected")
    if protocol == "json":
        for _ in range(3):
            await client.send_text("x" * 50_000)
    else:
        await client.socket.send_bytes(b"\xff\xff\xff\x7f")
    message = (await client.socket.receive()).data
    assert b"Connection closed with an error." in (message if protocol == "messagepack" else message.encode())
    assert await client.ended() == 1000
    assert "100,000" in (await app.next("disconnected")).json()["Error"]


async def test_a_handshake_without_end_is_refused(service: Any) -> None:
    client = await service.open()
    for _ in range(9):
        await client.send_text("x" * 4096)
    assert await client.next() == {"error": "An unexpected error occurred during connection handshake."}
    assert await client.ended() == 1000


async def test_half_a_surrogate_pair_in_a_handshake_is_refused(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service.open()
    await client.send_text('{"protocol":"\\ud83d","version":1}\x1e')
    assert await client.next() == {"error": "An unexpected error occurred during connection handshake."}
    assert await client.ended() == 1000
    assert "Traceback" not in caplog.text


async def test_when_too_much_waits_for_all_clients_the_one_that_reads_least_is_cut_off(
    start: Start, app: Any
) -> None:
    limits = Limits(send_buffer=50_000_000, send_buffers=20_000_000)
    service = await start([UpstreamRule(app.url)], limits=limits)
    stalled = await service.connect("ann")
    other = await service.connect("bob")
    for _ in range(2):
        await app.next("connected")
    for client in (stalled, other):
        client.take_little()
    while app.events.empty():
        await service.send("/users/ann", "x" * 1_000_000)
        await service.send("/users/bob", "x" * 100_000)
    event = await app.next("disconnected")
    assert event.connection_id == stalled.connection_id
    assert event.json()["Error"] == "The client reads too slowly."
    for client in (stalled, other):
        client.vanish()


async def test_what_is_sent_within_one_turn_of_the_loop_shares_a_websocket_message(service: Any) -> None:
    client = await service.connect()
    (connection,) = service.emulator._hubs["chat"].connections.values()
    for number in range(3):
        connection.send(Outgoing(Invocation("m", [number])))
    message = await client.socket.receive()
    assert message.data.count("\x1e") == 3


async def test_a_client_that_falls_behind_gets_everything_once_it_reads_on(start: Start) -> None:
    service = await start(send_buffer=100_000_000)
    client = await service.connect()
    # More than the kernel holds for a client that does not read.
    texts = [f"{number}:{'x' * 500_000}" for number in range(40)]
    for text in texts:
        await service.send("", text)
    assert [(await client.next())["arguments"] for _ in texts] == [[text] for text in texts]


class Unread(asyncio.Transport):
    """The socket of a client that has not read an earlier response yet."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = b"earlier"

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.waiting += bytes(data)


async def test_nothing_overtakes_a_response_that_the_client_has_not_read_yet() -> None:
    here, there = socket.socketpair()
    here.setblocking(False)
    transport = Unread()
    transport._extra = {"socket": here}  # type: ignore[attr-defined]
    request: Any = SimpleNamespace(
        protocol=SimpleNamespace(transport=transport, _message_tail=b"", connection_lost=lambda error: None)
    )
    opener: Any = None
    session = WebSocketSession(opener, Timing(), Terms(), Delivery(Limits()), lambda: None)
    session.accept(request, "AAAAAAAAAAAAAAAAAAAAAA==")
    session.put(Encoded(b"later", True))
    await asyncio.sleep(0)
    assert transport.waiting.startswith(b"earlierHTTP/1.1 101 ")
    assert b"later" not in transport.waiting
    transport.waiting = b""
    session.resume_writing()
    assert there.recv(100) == b"\x81\x05later"
    session.connection_lost(None)
    here.close()
    there.close()
