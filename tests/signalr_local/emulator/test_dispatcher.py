"""A connection's events: their order, their requests, and the completions that come back."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from signalr_local.emulator import UpstreamRule

type Start = Callable[..., Any]


async def test_connected_is_answered_before_the_first_message_is_sent(
    service_with_app: Any, app: Any
) -> None:
    allowed = asyncio.Event()

    async def wait(event: Any) -> web.StreamResponse:
        await allowed.wait()
        return web.Response()

    app.answers["connected"] = wait
    client = await service_with_app.connect()
    await client.send({"type": 1, "target": "first", "arguments": []})
    await app.next("connected")
    await service_with_app.send("", "round trip")
    await client.next()
    assert app.events.empty()
    allowed.set()
    await app.next("first")


async def test_messages_of_one_connection_keep_their_order_however_long_each_takes(
    service_with_app: Any, app: Any
) -> None:
    async def slow(event: Any) -> web.StreamResponse:
        await asyncio.sleep(0.05)
        response: web.StreamResponse = event.completion(result=None)
        return response

    app.answers["slow"] = slow
    client = await service_with_app.connect()
    await app.next("connected")
    names = ["slow", "quick", "slow", "quick"]
    await client.send(
        *(
            {"type": 1, "invocationId": str(number), "target": name, "arguments": []}
            for number, name in enumerate(names)
        )
    )
    assert [(await client.next())["invocationId"] for _ in names] == ["0", "1", "2", "3"]
    for name in names:
        await app.next(name)


async def test_connections_do_not_wait_for_each_other(service_with_app: Any, app: Any) -> None:
    blocked = asyncio.Event()

    async def wait(event: Any) -> web.StreamResponse:
        await blocked.wait()
        return web.Response()

    app.answers["block"] = wait
    first, second = await service_with_app.connect(), await service_with_app.connect()
    await first.send({"type": 1, "target": "block", "arguments": []})
    assert await second.invoke("quick") == {"type": 3, "invocationId": "1"}
    blocked.set()


async def test_disconnected_is_last_even_when_messages_wait(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect()
    count = 50
    await client.send(*({"type": 1, "target": f"m{n}", "arguments": []} for n in range(count)))
    await client.leave()
    await app.next("connected")
    for number in range(count):
        await app.next(f"m{number}")
    event = await app.next("disconnected")
    assert event.connection_id == client.connection_id


async def test_the_socket_is_not_read_further_when_very_many_messages_wait(
    service_with_app: Any, app: Any
) -> None:
    client = await service_with_app.connect()
    count = 1500
    await client.send(*({"type": 1, "target": "m", "arguments": [n]} for n in range(count)))
    await app.next("connected")
    for number in range(count):
        assert (await app.next("m")).json()["arguments"] == [number]


async def test_a_connection_whose_messages_wait_can_be_closed(service_with_app: Any, app: Any) -> None:
    allowed = asyncio.Event()

    async def wait(event: Any) -> web.StreamResponse:
        await allowed.wait()
        return web.Response()

    app.answers["m"] = wait
    client = await service_with_app.connect()
    await app.next("connected")
    count = 1500
    await client.send(*({"type": 1, "target": "m", "arguments": [n]} for n in range(count)))
    await app.next("m")
    await service_with_app.rest("DELETE", f"/connections/{client.connection_id}")
    assert await client.next() == {"type": 7, "allowReconnect": True}
    assert await client.ended() == 1000
    allowed.set()
    while (await app.events.get()).name == "m":
        count -= 1
    assert count > 0


async def test_connection_events_are_json_with_a_type(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect("ann")
    connected = await app.next("connected")
    await client.leave()
    disconnected = await app.next("disconnected")
    assert connected.json() == {"type": 10}
    assert disconnected.json() == {"Type": 11}
    for event in (connected, disconnected):
        assert event.headers["Content-Type"] == "application/json"
        assert event.headers["X-ASRS-Category"] == "connections"
        assert event.headers["X-ASRS-User-Id"] == "ann"


async def test_a_message_is_forwarded_as_it_is(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect("ann")
    await app.next("connected")
    message = {
        "type": 1,
        "headers": {"x": "y"},
        "invocationId": "7",
        "target": "newMessage",
        "arguments": [1, 1.5, "ü", None, {"a": [True]}, "2020-01-01T00:00:00Z"],
        "streamIds": ["1"],
    }
    await client.send(message)
    event = await app.next("newMessage")
    assert event.json() == message
    assert not event.body.endswith(b"\x1e")
    assert event.headers["Content-Type"] == "application/json"
    assert event.headers["X-ASRS-Category"] == "messages"
    assert event.headers["X-ASRS-Hub"] == "chat"


async def test_numbers_and_texts_reach_the_app_as_the_client_wrote_them(
    service_with_app: Any, app: Any
) -> None:
    client = await service_with_app.connect()
    await app.next("connected")
    frame = (
        '{"type":1, "target":"m","arguments":[1e3,-0,1.10,0.1234567890123456789012345,'
        '1234567890123456789012345,1e400,"\\u00e9 \\ud83d",{ "a" : [1.0] }],"mine":1}'
    )
    await client.send_text(frame + "\x1e")
    assert (await app.next("m")).body == frame.encode()


async def test_a_message_without_an_id_has_none_at_the_app(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect()
    await app.next("connected")
    await client.send({"type": 1, "target": "m", "arguments": []})
    assert (await app.next("m")).json() == {"type": 1, "target": "m", "arguments": []}


async def test_the_token_that_clients_repeat_in_a_message_does_not_reach_the_app(
    service_with_app: Any, app: Any
) -> None:
    client = await service_with_app.connect()
    await app.next("connected")
    headers = {"authorization": "Bearer secret", "x": "y"}
    await client.send({"type": 1, "target": "m", "arguments": [], "headers": headers})
    assert (await app.next("m")).json()["headers"] == {"x": "y"}


async def test_more_than_ten_arguments_are_nothing_special(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect()
    await app.next("connected")
    await client.send({"type": 1, "target": "m", "arguments": list(range(30))})
    assert (await app.next("m")).json()["arguments"] == list(range(30))


@pytest.mark.parametrize(
    "fields", [{"result": {"a": [1, "ü"]}}, {"result": None}, {"error": "it failed"}, {}]
)
async def test_the_apps_completion_reaches_the_client_byte_by_byte(
    service_with_app: Any, app: Any, fields: dict[str, object]
) -> None:
    async def complete(event: Any) -> web.StreamResponse:
        response: web.StreamResponse = event.completion(**fields)
        return response

    app.answers["m"] = complete
    client = await service_with_app.connect()
    assert await client.invoke("m") == {"type": 3, "invocationId": "1", **fields}


async def test_bytes_of_a_completion_are_not_touched(service_with_app: Any, app: Any) -> None:
    completion = '{ "invocationId" : "1", "type":3,"result" : 1.0e0 }'
    app.answer("m", body=f"{completion}\x1e")
    client = await service_with_app.connect()
    await client.send({"type": 1, "invocationId": "1", "target": "m", "arguments": []})
    assert await client.next_frame() == completion


@pytest.mark.parametrize("status", [200, 204])
async def test_no_content_is_a_completion_without_result(
    service_with_app: Any, app: Any, status: int
) -> None:
    app.answer("m", status)
    client = await service_with_app.connect()
    assert await client.invoke("m") == {"type": 3, "invocationId": "1"}


@pytest.mark.parametrize("status", [201, 202, 302, 400, 401, 403, 404, 415, 500, 503])
async def test_any_other_status_is_an_error_completion(service_with_app: Any, app: Any, status: int) -> None:
    app.answer("m", status, "whatever")
    client = await service_with_app.connect()
    assert await client.invoke("m") == {
        "type": 3,
        "invocationId": "1",
        "error": f"Invocation failed, status code {status}",
    }


@pytest.mark.parametrize("body", ['{"a":1}', "hello", "hello\x1e", '{"type":3}\x1e', "\xff\x1e"])
async def test_an_answer_that_would_break_the_client_becomes_an_error(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    app.answer("m", body=body.encode("latin-1"))
    client = await service_with_app.connect()
    answer = await client.invoke("m")
    assert answer["error"] == "Invocation failed, error: the answer is no completion of the hub protocol."
    assert "answer with the invocation's completion, or with an empty body" in caplog.text


@pytest.mark.parametrize(("status", "body"), [(200, '{"type":3,"invocationId":"1"}\x1e'), (500, "")])
async def test_who_sends_without_an_id_gets_no_answer_whatever_it_is(
    service_with_app: Any, app: Any, status: int, body: str
) -> None:
    app.answer("m", status, body)
    client = await service_with_app.connect()
    await client.send({"type": 1, "target": "m", "arguments": []})
    assert await client.invoke("after", id="2") == {"type": 3, "invocationId": "2"}


async def test_a_call_with_an_empty_id_gets_no_answer_as_in_net(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect()
    await client.send({"type": 1, "invocationId": "", "target": "m", "arguments": []})
    assert await client.invoke("m", id="2") == {"type": 3, "invocationId": "2"}


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_a_client_stays_whatever_connected_is_answered(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    app.answer("connected", status)
    caplog.set_level(logging.DEBUG)
    client = await service_with_app.connect()
    assert await client.invoke("m") == {"type": 3, "invocationId": "1"}
    assert f"Event 'connected' (hub 'chat', category 'connections') was answered {status}" in caplog.text


async def test_an_answer_that_comes_when_the_client_has_gone_is_dropped(
    service_with_app: Any, app: Any
) -> None:
    allowed = asyncio.Event()

    async def wait(event: Any) -> web.StreamResponse:
        await allowed.wait()
        response: web.StreamResponse = event.completion(result=1)
        return response

    app.answers["m"] = wait
    client = await service_with_app.connect()
    await app.next("connected")
    await client.send({"type": 1, "invocationId": "1", "target": "m", "arguments": []})
    await app.next("m")
    await client.leave()
    assert (await service_with_app.rest("HEAD", f"/connections/{client.connection_id}")).status == 404
    allowed.set()
    await app.next("disconnected")


async def test_without_a_rule_an_invocation_fails_at_once_and_the_log_says_what_to_do(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    service = await start([UpstreamRule("http://127.0.0.1:9/x?code=secret", hub="other")])
    client = await service.connect()
    answer = await client.invoke("m")
    assert answer["error"] == "Invocation failed, no upstream is set for event 'm' of hub 'chat'."
    assert "Event 'm' (hub 'chat', category 'messages') was not delivered" in caplog.text
    assert "Rules: [0]http://127.0.0.1:9/x(event:'*',hub:'other',category:'*')." in caplog.text
    assert "secret" not in caplog.text
    assert "connected" not in caplog.text


async def test_an_app_without_a_function_for_connections_is_not_warned_of_it(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app.answer("connected", 404)
    await service_with_app.connect()
    await app.next("connected")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


STREAM = {"type": 4, "invocationId": "s1", "target": "counter", "arguments": [10]}


async def test_a_call_for_a_stream_is_an_event_where_those_are_forwarded(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], forwards_streams=True)
    client = await service.connect()
    await app.next("connected")
    await client.send(STREAM)
    assert (await app.next("counter")).json() == STREAM
    path = f"/connections/{client.connection_id}/streams/s1/:send"
    await service.rest("POST", path, "completed=true", version="2024-12-01", message=1)
    assert await client.next() == {"type": 2, "invocationId": "s1", "item": 1}
    assert await client.next() == {"type": 3, "invocationId": "s1"}


async def test_a_stream_that_the_app_refuses_ends_with_an_error(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], forwards_streams=True)
    app.answer("counter", 404)
    client = await service.connect()
    await client.send(STREAM)
    error = "Invocation failed, status code 404"
    assert await client.next() == {"type": 3, "invocationId": "s1", "error": error}


async def test_where_the_service_is_silent_the_emulator_may_be_too(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url, event="known")], is_silent=True)
    client = await service.connect()
    await client.send(STREAM, {"type": 1, "invocationId": "1", "target": "unknown", "arguments": []})
    assert await client.invoke("known", id="2") == {"type": 3, "invocationId": "2"}
