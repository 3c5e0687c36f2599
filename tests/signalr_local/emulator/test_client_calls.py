"""Servers that ask one client."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgpack
import pytest

from serverless_signalr.protocol.messages import Completion, StreamItem
from signalr_local.emulator.protocols import MESSAGEPACK

type Start = Callable[..., Awaitable[Any]]

ASK = {"target": "confirm", "arguments": ["sure?"]}


FRAMES = "application/octet-stream"


async def ask(service: Any, connection_id: str, accept: str = "*/*") -> Any:
    path = f"/api/hubs/chat/connections/{connection_id}/:invoke"
    headers = {
        "Accept": accept,
        "Content-Type": "application/json",
        "Authorization": f"Bearer {service.server_token(path)}",
    }
    body = json.dumps(ASK).encode()
    return await service.request("POST", f"{path}?api-version=2026-07-01", headers=headers, data=body)


async def test_a_client_is_asked_and_its_result_is_the_answer(service: Any) -> None:
    client = await service.connect()
    asking = asyncio.create_task(ask(service, client.connection_id))
    call = await client.next()
    await client.send({"type": 3, "invocationId": call["invocationId"], "result": [True]})
    reply = await asking
    assert (call["target"], call["arguments"]) == ("confirm", ["sure?"])
    assert (reply.status, reply.json()) == (200, {"result": [True]})


async def test_a_client_without_a_result_answers_null(service: Any) -> None:
    client = await service.connect()
    asking = asyncio.create_task(ask(service, client.connection_id))
    await client.send({"type": 3, "invocationId": (await client.next())["invocationId"]})
    assert (await asking).json() == {"result": None}


async def test_an_error_of_the_client_is_400_with_its_text(service: Any) -> None:
    client = await service.connect()
    asking = asyncio.create_task(ask(service, client.connection_id))
    await client.send({"type": 3, "invocationId": (await client.next())["invocationId"], "error": "no"})
    reply = await asking
    assert (reply.status, reply.json()["message"]) == (400, "no")


@pytest.mark.parametrize(
    ("result", "shown"),
    [([True], [True]), (b"\x00\xff", "AP8="), (None, None), ({1: 2.5}, {"1": 2.5}), ("\ud83d", "?")],
)
async def test_a_client_may_answer_in_messagepack(service: Any, result: object, shown: object) -> None:
    client = await service.connect_packed()
    asking = asyncio.create_task(ask(service, client.connection_id))
    call = await client.next()
    await client.socket.send_bytes(MESSAGEPACK.encode(Completion(call.invocation_id, result)))
    assert (await asking).json() == {"result": shown}


async def test_a_result_that_json_has_no_form_for_is_400(service: Any) -> None:
    client = await service.connect_packed()
    asking = asyncio.create_task(ask(service, client.connection_id))
    await client.send(Completion((await client.next()).invocation_id, float("nan")))
    assert (await asking).status == 400


async def test_several_servers_may_ask_one_client_at_a_time(service: Any) -> None:
    client = await service.connect()
    asking = [asyncio.create_task(ask(service, client.connection_id)) for _ in range(5)]
    ids = [(await client.next())["invocationId"] for _ in asking]
    assert len(set(ids)) == 5
    for id in reversed(ids):
        await client.send({"type": 3, "invocationId": id, "result": id})
    assert {(await task).json()["result"] for task in asking} == set(ids)


async def test_an_answer_that_nobody_waits_for_means_nothing(service: Any) -> None:
    client = await service.connect()
    asking = asyncio.create_task(ask(service, client.connection_id))
    id = (await client.next())["invocationId"]
    for result in ("first", "second"):
        await client.send(
            {"type": 3, "invocationId": "unknown"}, {"type": 3, "invocationId": id, "result": result}
        )
    assert (await asking).json() == {"result": "first"}
    await service.send("", "still here")
    assert (await client.next())["arguments"] == ["still here"]


async def test_a_client_that_is_closed_while_it_is_asked_is_404(service: Any) -> None:
    client = await service.connect()
    asking = asyncio.create_task(ask(service, client.connection_id))
    await client.next()
    await service.rest("DELETE", f"/connections/{client.connection_id}")
    assert (await asking).status == 404


async def test_a_client_that_goes_is_404(service: Any) -> None:
    client = await service.connect()
    asking = asyncio.create_task(ask(service, client.connection_id))
    await client.next()
    await client.leave()
    reply = await asking
    assert (reply.status, reply.headers["x-ms-error-code"]) == (404, "Error.Connection.NotExisted")


@pytest.mark.parametrize("accept", ["*/*", FRAMES])
async def test_a_client_that_does_not_answer_is_500_which_sdks_do_not_repeat(
    start: Start, accept: str
) -> None:
    service = await start(client_result=0.05)
    client = await service.connect()
    reply = await ask(service, client.connection_id, accept)
    assert (reply.status, reply.json()["code"]) == (500, "InternalServerError")


@pytest.mark.parametrize(
    "completion",
    [
        '"result":42',
        '"result":null',
        '"result":{"a":[1.10,1e3,12345678901234567890123456789]}',
        '"error":"no such thing"',
        '"error":"Client failed to parse argument(s)."',
        '"headers":{}',
    ],
)
async def test_a_caller_that_takes_frames_gets_the_completion_of_the_client_as_it_came(
    service: Any, completion: str
) -> None:
    client = await service.connect()
    asking = asyncio.create_task(ask(service, client.connection_id, FRAMES))
    call = await client.next()
    frame = f'{{"type":3,"invocationId":"{call["invocationId"]}",{completion}}}\x1e'
    await client.send_text(frame)
    reply = await asking
    assert (reply.status, reply.text) == (200, frame)
    assert (reply.headers["X-ASRS-Protocol"], reply.headers["Content-Type"]) == ("json", FRAMES)


async def test_a_caller_that_takes_frames_gets_the_messagepack_of_the_client(service: Any) -> None:
    client = await service.connect_packed()
    asking = asyncio.create_task(ask(service, client.connection_id, FRAMES))
    id = (await client.next()).invocation_id
    # The result is 5 in three bytes, which an encoder would write in one.
    frame = b"\x18\x95\x03\x80\xb0" + id.encode() + b"\x03\xcd\x00\x05"
    await client.socket.send_bytes(frame)
    reply = await asking
    assert (reply.status, reply.body) == (200, frame)
    assert (reply.headers["X-ASRS-Protocol"], reply.headers["Content-Type"]) == ("messagepack", FRAMES)


async def test_frames_of_a_net_server_reach_the_client_with_an_invocation_id(service: Any) -> None:
    client = await service.connect()
    body = msgpack.packb(
        {
            "json": b'{"type":1,"target":"double","arguments":[21]}\x1e',
            "messagepack": bytes.fromhex("0e 96 01 80 c0 a6 646f75626c65 91 15 90"),
        }
    )
    path = f"/api/hubs/chat/connections/{client.connection_id}/:invoke"
    headers = {
        "Accept": FRAMES,
        "Content-Type": FRAMES,
        "Authorization": f"Bearer {service.server_token(path)}",
    }
    asking = asyncio.create_task(
        service.request("POST", f"{path}?api-version=2026-07-01", headers=headers, data=body)
    )
    call = await client.next()
    assert (call["target"], call["arguments"]) == ("double", [21])
    await client.send({"type": 3, "invocationId": call["invocationId"], "result": 42})
    assert json.loads((await asking).text.rstrip("\x1e")) == {
        "type": 3,
        "invocationId": call["invocationId"],
        "result": 42,
    }


@pytest.mark.parametrize("completed", ["yes", "1", ""])
async def test_completed_is_true_or_false(service: Any, completed: str) -> None:
    client = await service.connect()
    path = f"/connections/{client.connection_id}/streams/s/:send"
    reply = await service.rest("POST", path, f"completed={completed}", version="2024-12-01", message=1)
    assert (reply.status, reply.json()["target"]) == (400, "completed")


async def test_a_caller_that_gives_up_disturbs_nobody(service: Any) -> None:
    client = await service.connect()
    asking = asyncio.create_task(ask(service, client.connection_id))
    call = await client.next()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await client.send({"type": 3, "invocationId": call["invocationId"], "result": 1})
    asking = asyncio.create_task(ask(service, client.connection_id))
    await client.send({"type": 3, "invocationId": (await client.next())["invocationId"], "result": 2})
    assert (await asking).json() == {"result": 2}


@pytest.mark.parametrize("path", [":invoke", "streams/s/:send", "streams/s/:complete"])
async def test_a_connection_that_is_not_there_is_404(service: Any, path: str) -> None:
    reply = await service.rest("POST", f"/connections/nobody/{path}", version="2024-12-01", message=ASK)
    assert (reply.status, reply.headers["x-ms-error-code"]) == (404, "Error.Connection.NotExisted")


async def test_items_of_a_stream_reach_the_client_in_order_and_then_its_end(service: Any) -> None:
    client = await service.connect()
    path = f"/connections/{client.connection_id}/streams/s1"
    statuses = [
        (await service.rest("POST", f"{path}/:send", version="2024-12-01", message=item)).status
        for item in ("one", {"two": 2})
    ]
    last = await service.rest("POST", f"{path}/:send", "completed=true", version="2024-12-01", message=3)
    assert [*statuses, last.status] == [202, 202, 202]
    assert [await client.next() for _ in range(4)] == [
        {"type": 2, "invocationId": "s1", "item": "one"},
        {"type": 2, "invocationId": "s1", "item": {"two": 2}},
        {"type": 2, "invocationId": "s1", "item": 3},
        {"type": 3, "invocationId": "s1"},
    ]


@pytest.mark.parametrize("name", ["reason", "error"])
async def test_a_stream_may_end_with_an_error(service: Any, name: str) -> None:
    client = await service.connect()
    path = f"/connections/{client.connection_id}/streams/s1/:complete"
    await service.rest("POST", path, f"{name}=broken", version="2024-12-01")
    assert await client.next() == {"type": 3, "invocationId": "s1", "error": "broken"}


@pytest.mark.parametrize("stream", ["%20", "x" * 101])
async def test_the_id_of_a_stream_is_checked(service: Any, stream: str) -> None:
    client = await service.connect()
    path = f"/connections/{client.connection_id}/streams/{stream}/:complete"
    reply = await service.rest("POST", path, version="2024-12-01")
    assert (reply.status, reply.json()["target"]) == (400, "streamId")


async def test_a_stream_reaches_a_client_of_messagepack(service: Any) -> None:
    client = await service.connect_packed()
    path = f"/connections/{client.connection_id}/streams/s1/:send"
    await service.rest("POST", path, "completed=true", version="2024-12-01", message={"a": 1})
    assert [await client.next(), await client.next()] == [StreamItem("s1", {"a": 1}), Completion("s1")]
