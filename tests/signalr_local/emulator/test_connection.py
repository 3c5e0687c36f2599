"""One connection: silence, nonsense, slowness, and how each ends."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from signalr_local.emulator import UpstreamRule

type Start = Callable[..., Any]

ABNORMAL = {"type": 7, "error": "Connection closed with an error.", "allowReconnect": True}


async def test_a_client_that_hears_nothing_else_is_pinged(start: Start) -> None:
    service = await start(ping=0.05)
    client = await service.connect()
    assert await client.next() == {"type": 6}
    assert await client.next() == {"type": 6}


async def test_a_client_that_hears_something_is_not_pinged(start: Start) -> None:
    service = await start(ping=0.6)
    client = await service.connect()
    for _ in range(15):
        await asyncio.sleep(0.05)
        await service.send("", "hello")
    assert [(await client.next())["type"] for _ in range(15)] == [1] * 15


async def test_a_silent_client_is_closed_and_may_come_back(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], client_timeout=0.05)
    client = await service.connect()
    await client.send({"type": 6})
    assert await client.next() == ABNORMAL
    assert await client.ended() == 1000
    await app.next("connected")
    silent = "Client hasn't sent a message/ping within the configured ClientTimeoutInterval."
    assert (await app.next("disconnected")).json() == {"Type": 11, "Error": silent}


async def test_a_client_that_never_pings_may_be_silent_as_in_asp_net_core(start: Start) -> None:
    service = await start(client_timeout=0.05, ping=0.02)
    client = await service.connect()
    await client.send({"type": 1, "target": "m", "arguments": []})
    for _ in range(10):
        assert await client.next() == {"type": 6}


async def test_anything_that_a_client_sends_keeps_it(start: Start) -> None:
    service = await start(client_timeout=0.6)
    client = await service.connect()
    for _ in range(15):
        await asyncio.sleep(0.05)
        await client.send({"type": 6})
    await service.send("", "hello")
    assert (await client.next())["arguments"] == ["hello"]


async def test_the_clock_stands_still_while_the_app_works_for_the_client(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], client_timeout=0.4)

    async def slow(event: Any) -> web.StreamResponse:
        await asyncio.sleep(0.6)
        response: web.StreamResponse = event.completion(result="done")
        return response

    app.answers["slow"] = slow
    client = await service.connect()
    await client.send({"type": 6})
    assert (await client.invoke("slow"))["result"] == "done"
    assert (await client.next())["type"] == 7


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        ("no message", "the message is not JSON"),
        ("[]", "the message is a JSON list"),
        ('{"target":"m"}', "the message's type is None"),
        ('{"type":1,"arguments":[]}', "target is absent"),
        ('{"type":1,"target":"m"}', "arguments is absent"),
        (
            '{"type":1,"target":"\\ud800","arguments":[]}',
            "target or invocationId holds half of a surrogate pair",
        ),
        (
            '{"type":1,"target":"m","invocationId":"\\ud800","arguments":[]}',
            "target or invocationId holds half",
        ),
    ],
)
async def test_nonsense_closes_the_connection_and_the_app_learns_why(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture, frame: str, cause: str
) -> None:
    client = await service_with_app.connect()
    await app.next("connected")
    await client.send_text(f'{frame}\x1e{{"type":1,"target":"later","arguments":[]}}\x1e')
    assert await client.next() == ABNORMAL
    assert await client.ended() == 1000
    body = (await app.next("disconnected")).json()
    assert body["Error"].startswith(cause)
    assert cause in caplog.text


async def test_nonsense_after_nonsense_changes_nothing(service: Any) -> None:
    client = await service.connect()
    await client.send_text("a\x1eb\x1e")
    await client.send_text("c\x1e" * 1000)
    assert await client.next() == ABNORMAL
    await client.ended()


@pytest.mark.parametrize(
    "message",
    [
        {"type": 2, "invocationId": "1", "item": 1},
        {"type": 3, "invocationId": "1", "result": 1},
        {"type": 5, "invocationId": "1"},
        {"type": 6},
        {"type": 7},
        {"type": 8, "sequenceId": 1},
        {"type": 9, "sequenceId": 1},
        {"type": 99, "what": "ever"},
    ],
)
async def test_messages_that_mean_nothing_in_serverless_mode_are_ignored(
    service_with_app: Any, app: Any, message: dict[str, object]
) -> None:
    client = await service_with_app.connect()
    await app.next("connected")
    await client.send(message, {"type": 1, "target": "after", "arguments": []})
    await app.next("after")


async def test_a_stream_is_answered_with_an_error_instead_of_silence(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_with_app.connect()
    await client.send({"type": 4, "invocationId": "7", "target": "counter", "arguments": []})
    assert await client.next() == {
        "type": 3,
        "invocationId": "7",
        "error": "Invocation failed, streaming is not supported in Serverless mode.",
    }
    assert "asks for a stream of 'counter'" in caplog.text
    await app.next("connected")
    assert app.events.empty()


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_not(
    start: Start, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    service = await start([UpstreamRule(app.url)], send_buffer=1024 * 1024)
    slow, quick = await service.connect(), await service.connect()
    for client in (slow, quick):
        assert (await app.next("connected")).connection_id == client.connection_id
    slow.take_little()
    text = "x" * 500_000
    with caplog.at_level(logging.WARNING, "signalr_local.emulator"):
        while app.events.empty():
            await service.send("", text)
            assert (await quick.next())["arguments"] == [text]
    event = await app.next("disconnected")
    assert event.connection_id == slow.connection_id
    assert event.json() == {"Type": 11, "Error": "The client reads too slowly."}
    assert f"Connection {slow.connection_id} of hub 'chat' is cut off" in caplog.text
    assert (await service.rest("HEAD", f"/connections/{slow.connection_id}")).status == 404


async def test_a_client_that_just_vanishes_has_left(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect()
    await app.next("connected")
    client.vanish()
    assert (await app.next("disconnected")).json() == {"Type": 11}
    assert (await service_with_app.rest("HEAD", f"/connections/{client.connection_id}")).status == 404


async def test_a_connection_that_ends_with_its_token_is_told_to_come_back(
    service_with_app: Any, app: Any
) -> None:
    claims = {"asrs.s.coae": "true", "asrs.s.aeo": str(int(time.time()))}
    client = await service_with_app.connect(claims=claims)
    closed = await client.next()
    assert (closed["type"], closed["allowReconnect"]) == (7, True)
    assert await client.ended() == 1000
    await app.next("connected")
    assert (await app.next("disconnected")).json() == {"Type": 11}


@pytest.mark.parametrize(
    "claims",
    [
        {"asrs.s.aeo": "0"},
        {"asrs.s.coae": "false", "asrs.s.aeo": "0"},
        {"asrs.s.coae": "true", "asrs.s.aeo": "4102444800"},
    ],
)
async def test_a_connection_outlives_its_token_where_nothing_else_was_agreed_on(
    service: Any, claims: dict[str, str]
) -> None:
    client = await service.connect(claims=claims)
    await service.send("", "still here")
    assert (await client.next())["arguments"] == ["still here"]


async def test_what_a_diagnostic_client_sends_and_receives_is_logged_without_what_it_carries(
    service_with_app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = await service_with_app.connect(claims={"asrs.s.dc": "true"})
    other = await service_with_app.connect()
    await client.invoke("echo", "private")
    await other.invoke("echo", "private")
    await service_with_app.send("", "private")
    await client.next()
    who = f"Diagnostic client {client.connection_id} of hub 'chat'"
    assert f"{who} sent Invocation echo." in caplog.text
    assert f"{who} is sent Invocation m." in caplog.text
    assert f"Diagnostic client {other.connection_id}" not in caplog.text
    assert "private" not in caplog.text
