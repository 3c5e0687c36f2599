"""Clients that speak MessagePack, beside those that speak JSON."""

from typing import Any

import msgpack
import pytest

from serverless_signalr.protocol import messagepack_protocol
from serverless_signalr.protocol.messages import Completion, Invocation, StreamInvocation


@pytest.fixture
def service(service_with_app: Any) -> Any:
    return service_with_app


@pytest.fixture
async def packed(service: Any) -> Any:
    """Connect a client that speaks MessagePack."""
    return await service.connect_packed()


async def test_a_message_reaches_clients_of_both_protocols(service: Any, packed: Any) -> None:
    client = await service.connect()
    await service.send("", "to all", 1.5, {"a": [None, True]})
    arguments = ["to all", 1.5, {"a": [None, True]}]
    assert await packed.next() == Invocation("m", arguments)
    assert (await client.next())["arguments"] == arguments


async def test_a_call_goes_to_the_app_as_it_came_without_its_length_and_the_answer_comes_back(
    packed: Any, app: Any
) -> None:
    await app.next("connected")
    call = msgpack.packb([1, {}, "7", "echo", [b"\x00\xff", msgpack.Timestamp(1, 1)]])
    await packed.socket.send_bytes(bytes([len(call)]) + call)
    event = await app.next("echo")
    assert event.headers["Content-Type"] == "application/x-msgpack"
    assert event.body == call
    assert await packed.next() == Completion("7", b"\x00\xff")


async def test_messages_may_come_in_any_pieces(packed: Any, app: Any) -> None:
    await app.next("connected")
    data = b"".join(messagepack_protocol.encode(Invocation(name, ["x" * 200])) for name in ("a", "b", "c"))
    for start in range(0, len(data), 100):
        await packed.socket.send_bytes(data[start : start + 100])
    for name in ("a", "b", "c"):
        await app.next(name)


async def test_a_handshake_may_bring_messages_along(service: Any, app: Any) -> None:
    client = await service.open()
    handshake = b'{"protocol":"messagepack","version":1}\x1e'
    await client.socket.send_bytes(handshake + messagepack_protocol.encode(Invocation("early", [])))
    for name in ("connected", "early"):
        await app.next(name)


async def test_the_token_that_clients_repeat_in_a_message_does_not_reach_the_app(
    packed: Any, app: Any
) -> None:
    await app.next("connected")
    await packed.send(Invocation("m", [], headers={"Authorization": "Bearer secret", "x": "y"}))
    assert (await app.next("m")).call().headers == {"x": "y"}


async def test_a_stream_is_answered_with_an_error_instead_of_silence(packed: Any) -> None:
    await packed.send(StreamInvocation("counter", [], "7"))
    assert await packed.next() == Completion(
        "7", error="Invocation failed, streaming is not supported in Serverless mode."
    )


@pytest.mark.parametrize("status", [204, 500])
async def test_an_answer_without_a_body_is_a_completion_in_the_clients_protocol(
    packed: Any, app: Any, status: int
) -> None:
    app.answer("m", status)
    await packed.send(Invocation("m", [], "7"))
    error = None if status == 204 else "Invocation failed, status code 500"
    assert await packed.next() == Completion("7", error=error)


async def test_what_messagepack_cannot_carry_does_not_stop_a_message(service: Any, packed: Any) -> None:
    client = await service.connect()
    arguments = [10**30, "\ud83d", "ü🙂", {"1": {"a": [[]]}}]
    assert (await service.send("", *arguments)).status == 202
    assert (await client.next())["arguments"] == arguments
    assert (await packed.next()).arguments == [1e30, "?", *arguments[2:]]


async def test_a_message_that_cannot_be_encoded_for_all_reaches_nobody(service: Any, packed: Any) -> None:
    client = await service.connect()
    nested: list[object] = []
    for _ in range(600):
        nested = [nested]
    assert (await service.send("", nested)).status == 400
    assert (await service.send("", "next")).status == 202
    assert (await client.next())["arguments"] == ["next"]
    assert (await packed.next()).arguments == ["next"]


async def test_events_of_the_connection_are_json(packed: Any, app: Any) -> None:
    event = await app.next("connected")
    assert (event.headers["Content-Type"], event.json()) == ("application/json", {"type": 10})


async def test_an_answer_in_the_other_protocol_becomes_an_error(packed: Any, app: Any) -> None:
    app.answer("other", body=b'{"type":3,"invocationId":"1","result":1}\x1e')
    await packed.send(Invocation("other", [], "1"))
    answer = await packed.next()
    assert isinstance(answer, Completion)
    assert answer.error == "Invocation failed, error: the answer is no completion of the hub protocol."


@pytest.mark.parametrize("data", [b"\x01\xc1", b"\xff\xff\xff\xff\xff\x01", b"\x01\x90"])
async def test_bytes_that_are_no_message_end_the_connection(packed: Any, data: bytes) -> None:
    await packed.socket.send_bytes(data)
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


async def test_each_client_gets_the_frame_of_its_protocol(service: Any, packed: Any) -> None:
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
        body(blazorpack=PACKED_FRAME),
        body(json=b"{}\x1e"),
        body(json=b'{"type":6}\x1e'),
        body(json=JSON_FRAME * 2),
        body(json=JSON_FRAME[:-1]),
        body(json=b"\xff\x1e"),
        body(json=JSON_FRAME, messagepack=PACKED_FRAME[:-1]),
        body(json=JSON_FRAME, messagepack=PACKED_FRAME + b"\x05"),
    ],
)
async def test_a_body_without_a_message_is_400(service: Any, data: bytes) -> None:
    assert await post(service, data) == 400
