"""Long polling: what a client gets for each poll, and when it counts as gone."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from serverless_signalr.protocol import messagepack_protocol
from serverless_signalr.protocol.messages import Completion, Invocation
from signalr_local.emulator import UpstreamRule
from signalr_local.emulator.limits import Limits

type Start = Callable[..., Any]

HANDSHAKE = '{"protocol":"json","version":1}\x1e'


@pytest.fixture
async def poller(service_with_app: Any) -> Any:
    """Connect a client that polls."""
    poller = await service_with_app.poller("ann")
    await poller.shake_hands()
    return poller


async def test_the_first_poll_is_answered_at_once_and_the_next_with_the_handshake(service: Any) -> None:
    poller = await service.poller()
    first = await poller.poll()
    assert (first.status, first.text) == (200, "")
    assert first.headers["Cache-Control"] == "no-cache, no-store"
    assert first.headers["Pragma"] == "no-cache"
    assert first.headers["Expires"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    sent = await poller.post(HANDSHAKE)
    assert (sent.status, sent.text) == (200, "")
    second = await poller.poll()
    assert (second.status, second.text) == (200, "{}\x1e")
    assert second.headers["Content-Type"].startswith("text/plain")


async def test_a_poll_waits_for_a_message(service_with_app: Any, poller: Any) -> None:
    polling = await poller.wait()
    await service_with_app.send("/users/ann", "hello")
    assert (await polling).text == '{"type":1,"target":"m","arguments":["hello"]}\x1e'


async def test_messages_between_two_polls_come_with_the_next(service_with_app: Any, poller: Any) -> None:
    for number in range(3):
        await service_with_app.send("", number)
    assert (await poller.poll()).text.count("\x1e") == 3


async def test_a_call_is_sent_to_the_app_and_answered(poller: Any, app: Any) -> None:
    assert (await app.next("connected")).headers["X-ASRS-User-Id"] == "ann"
    call = '{"type":1,"invocationId":"1","target":"echo","arguments":["ü"]}\x1e'
    await poller.post('{"type":6}\x1e' + call[:20])
    await poller.post(call[20:])
    assert (await poller.poll()).text == '{"type":3,"invocationId":"1","result":"ü"}\x1e'
    await app.next("echo")


async def test_a_handshake_may_bring_messages_along(service_with_app: Any, app: Any) -> None:
    poller = await service_with_app.poller()
    await poller.poll()
    await poller.post(HANDSHAKE + '{"type":1,"target":"early","arguments":[]}\x1e')
    for name in ("connected", "early"):
        await app.next(name)


async def test_messagepack_is_spoken_in_bytes(service: Any) -> None:
    poller = await service.poller("ann")
    await poller.poll()
    await poller.post(HANDSHAKE.replace("json", "messagepack"))
    answer = await poller.poll()
    assert (answer.body, answer.headers["Content-Type"]) == (b"{}\x1e", "application/octet-stream")
    await service.send("", "x")
    assert (await poller.poll()).body == messagepack_protocol.encode(Invocation("m", ["x"]))


async def test_a_call_in_messagepack_is_answered_in_it(service_with_app: Any, app: Any) -> None:
    poller = await service_with_app.poller()
    await poller.poll()
    await poller.post(HANDSHAKE.replace("json", "messagepack"))
    await poller.poll()
    await poller.post(messagepack_protocol.encode(Invocation("echo", ["x"], "1")))
    assert (await poller.poll()).body == messagepack_protocol.encode(Completion("1", "x"))
    for name in ("connected", "echo"):
        await app.next(name)


async def test_a_poll_that_nothing_comes_for_is_answered_with_nothing(start: Start) -> None:
    service = await start(poll=0.05)
    poller = await service.poller()
    await poller.shake_hands()
    answer = await poller.poll()
    assert (answer.status, answer.text) == (200, "")
    await service.send("", "later")
    assert "later" in (await poller.poll()).text


async def test_a_new_poll_ends_the_one_that_waits(service_with_app: Any, poller: Any) -> None:
    polls = [asyncio.create_task(poller.poll()) for _ in range(3)]
    done, waiting = await asyncio.wait(polls, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    while len(waiting) > 1:
        more, waiting = await asyncio.wait(waiting, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    assert [task.result().status for task in done] == [204, 204]
    await service_with_app.send("", "hello")
    (last,) = waiting
    assert "hello" in (await last).text


async def test_a_poll_that_is_given_up_loses_no_message(service_with_app: Any, poller: Any) -> None:
    for number in range(10):
        polling = await poller.wait()
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        await service_with_app.rest("HEAD", f"/connections/{poller.connection_id}")
        await service_with_app.send("", number)
        assert f"[{number}]" in (await poller.poll()).text


async def test_delete_ends_the_connection_and_the_poll_that_waits(poller: Any, app: Any) -> None:
    await app.next("connected")
    await poller.post('{"type":1,"target":"last","arguments":[]}\x1e')
    polling = await poller.wait()
    reply = await poller.ask("DELETE")
    assert (reply.status, reply.text) == (202, "")
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert (await polling).status == 204
    await app.next("last")
    assert (await app.next("disconnected")).json() == {"Type": 11}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_after_its_end_a_connection_is_404(poller: Any, app: Any, method: str) -> None:
    await poller.ask("DELETE")
    await app.next("connected")
    await app.next("disconnected")
    while (reply := await poller.ask(method)).status in (204, 202):
        pass
    assert (reply.status, reply.text) == (404, "No Connection with that ID")


async def test_a_connection_that_is_closed_is_told_so_and_then_over(
    service_with_app: Any, poller: Any, app: Any
) -> None:
    await app.next("connected")
    await service_with_app.rest("DELETE", f"/connections/{poller.connection_id}", "reason=enough")
    assert (await poller.poll()).text == '{"type":7,"error":"enough","allowReconnect":true}\x1e'
    assert (await poller.poll()).status in (204, 404)
    assert (await app.next("disconnected")).json() == {"Type": 11}


async def test_who_does_not_poll_after_it_was_closed_is_forgotten(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], close=0.05)
    poller = await service.poller()
    await poller.shake_hands()
    await app.next("connected")
    await service.rest("DELETE", f"/connections/{poller.connection_id}")
    await app.next("disconnected")


async def test_who_stays_away_too_long_has_left(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], poll_gap=0.1)
    poller = await service.poller()
    await poller.shake_hands()
    await app.next("connected")
    assert (await app.next("disconnected")).json() == {"Type": 11}
    assert (await service.rest("HEAD", f"/connections/{poller.connection_id}")).status == 404


async def test_a_token_may_allow_a_longer_absence(start: Start) -> None:
    service = await start(poll_gap=0)
    poller = await service.poller(ttl="300")
    await poller.shake_hands()
    await service.send("", "still here")
    assert "still here" in (await poller.poll()).text


async def test_who_polls_may_be_silent_and_is_not_pinged(start: Start) -> None:
    service = await start(ping=0.02, client_timeout=0.02, poll=0.1)
    poller = await service.poller()
    await poller.shake_hands()
    assert (await poller.poll()).text == ""
    await service.send("", "hello")
    assert (await poller.poll()).text.count("\x1e") == 1


@pytest.mark.parametrize(
    ("handshake", "error"),
    [
        ('{"protocol":"xml","version":1}\x1e', "The protocol 'xml' is not supported."),
        ("hello\x1e", "An unexpected error occurred during connection handshake."),
    ],
)
async def test_a_handshake_that_does_not_fit_is_answered_with_the_error_and_the_end(
    service: Any, handshake: str, error: str
) -> None:
    poller = await service.poller()
    await poller.poll()
    await poller.post(handshake)
    assert (await poller.poll()).text == f'{{"error":"{error}"}}\x1e'
    assert (await poller.poll()).status in (204, 404)


async def test_a_client_that_sends_no_handshake_is_sent_away(start: Start) -> None:
    service = await start(handshake=0.05)
    poller = await service.poller()
    await poller.poll()
    assert "Handshake was canceled." in (await poller.poll()).text


async def test_a_token_may_allow_more_time_for_the_handshake(start: Start) -> None:
    service = await start(handshake=0)
    poller = await service.poller(cht="30")
    await poller.shake_hands()


async def test_a_client_may_leave_before_its_handshake(service: Any) -> None:
    poller = await service.poller()
    await poller.poll()
    polling = await poller.wait()
    assert (await poller.ask("DELETE")).status == 202
    assert (await polling).status == 204


async def test_an_event_stream_or_a_websocket_cannot_join(service_with_app: Any, poller: Any) -> None:
    poller.headers["Accept"] = "text/event-stream"
    reply = await poller.poll()
    assert (reply.status, reply.text) == (400, "Cannot change transports mid-connection")
    poller.headers["Upgrade"] = "websocket"
    assert (await poller.poll()).text == "Cannot change transports mid-connection"
    del poller.headers["Accept"], poller.headers["Upgrade"]


async def test_a_message_may_be_as_large_as_the_limit_and_no_larger(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], limits=Limits(message=2_000_000))
    poller = await service.poller()
    await poller.shake_hands()
    await app.next("connected")
    call = '{"type":1,"target":"m","arguments":["%s"]}\x1e'
    assert (await poller.post(call % ("x" * 1_900_000))).status == 200
    await app.next("m")
    assert (await poller.post(call % ("x" * 2_000_000))).status == 413


async def test_a_poll_needs_a_token_that_is_still_good(service: Any) -> None:
    poller = await service.poller()
    assert (await poller.poll()).status == 200
    service.emulator._gate.now = lambda: time.time() + 3601
    assert (await poller.poll()).status == 401


async def test_nonsense_closes_the_connection_and_the_app_learns_why(poller: Any, app: Any) -> None:
    await app.next("connected")
    await poller.post("nonsense\x1e")
    closed = '{"type":7,"error":"Connection closed with an error.","allowReconnect":true}\x1e'
    assert (await poller.poll()).text == closed
    await poller.poll()
    assert (await app.next("disconnected")).json()["Error"].startswith("the message is not JSON")


async def test_stop_sends_clients_that_poll_away(service_with_app: Any, poller: Any, app: Any) -> None:
    await app.next("connected")
    polling = await poller.wait()
    began = time.monotonic()
    stopping = asyncio.create_task(service_with_app.emulator.stop())
    assert (await polling).text == '{"type":7,"allowReconnect":true}\x1e'
    assert (await poller.poll()).status == 204
    await stopping
    assert time.monotonic() - began < 1
    await app.next("disconnected")


async def test_what_waits_for_a_client_that_does_not_poll_is_bounded(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], send_buffer=1000)
    poller = await service.poller()
    await poller.shake_hands()
    await app.next("connected")
    for _ in range(3):
        await service.send("", "x" * 600)
    assert (await app.next("disconnected")).json() == {"Type": 11, "Error": "The client reads too slowly."}


async def test_a_client_whose_messages_wait_for_the_app_waits_too(service_with_app: Any, app: Any) -> None:
    allowed = asyncio.Event()

    async def wait(event: Any) -> web.StreamResponse:
        await allowed.wait()
        return web.Response()

    app.answers["m"] = wait
    poller = await service_with_app.poller()
    await poller.shake_hands()
    await app.next("connected")
    frame = '{"type":1,"target":"m","arguments":[]}\x1e'
    posts = [asyncio.create_task(poller.post(frame * 1200)) for _ in range(4)]
    done, waiting = await asyncio.wait(posts, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert done
    await service_with_app.rest("HEAD", f"/connections/{poller.connection_id}")
    assert not any(post.done() for post in waiting)
    allowed.set()
    for post in posts:
        assert (await post).status == 200
    await poller.ask("DELETE")


async def test_a_handshake_may_be_posted_before_the_first_poll(service_with_app: Any, app: Any) -> None:
    poller = await service_with_app.poller()
    call = '{"type":1,"target":"m","arguments":[]}\x1e'
    assert (await poller.post(HANDSHAKE)).status == 200
    assert (await poller.post(call)).status == 200
    assert (await poller.poll()).body == b""
    assert (await poller.poll()).body == b"{}\x1e"
    await app.next("connected")
    await app.next("m")


async def test_what_is_posted_before_the_first_poll_is_bounded(start: Start) -> None:
    service = await start(limits=Limits(early=100))
    poller = await service.poller()
    assert (await poller.post("x" * 60)).status == 200
    assert (await poller.post("x" * 60)).status == 413
