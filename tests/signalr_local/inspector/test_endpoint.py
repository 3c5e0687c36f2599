"""Who may look, and what they see: the events of an emulator as its clients and servers cause them."""

import asyncio
import itertools
import json
import re
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from serverless_signalr._rest import clock
from signalr_local.inspector import stream
from signalr_local.inspector.endpoint import SCHEMA
from signalr_local.inspector.events import HostEvent
from tests.signalr_local.emulator.conftest import Start
from tests.signalr_local.inspector.conftest import Watched

CONTENT: dict[str, Any] = json.loads(SCHEMA.read_text())
VALIDATOR = jsonschema.Draft202012Validator(CONTENT)


def check(events: list[Any]) -> None:
    """See that every event is as the schema says, and that the schema names all that it holds."""
    known = CONTENT["properties"]
    for event in events:
        VALIDATOR.validate(event)
        assert set(event) <= {*known, *CONTENT["$defs"][event["kind"]]["properties"]}


async def test_a_call_is_joined_from_the_client_to_its_completion(watched: Watched) -> None:
    client = await watched.service.connect("ann")
    assert (await client.invoke("echo", "hi"))["result"] == "hi"
    events = await watched.events()
    check(events)
    called = next(event for event in events if event["kind"] == "client_called")
    chain = [event for event in events if event.get("trace_id") == called["trace_id"]]
    assert [event["kind"] for event in chain] == [
        "client_called",
        "upstream_request",
        "upstream_response",
        "client_answered",
    ]
    assert (called["hub"], called["user_id"], called["target"]) == ("chat", "ann", "echo")
    assert json.loads(chain[1]["body"])["arguments"] == ["hi"]
    assert (chain[2]["status"], chain[3]["error"]) == (200, None)
    assert chain[3]["duration_ms"] >= chain[2]["duration_ms"] > 0


async def test_what_the_app_sends_belongs_to_the_call_that_it_was_sent_for(watched: Watched) -> None:
    client = await watched.service.connect("ann")
    await watched.app.next("connected")
    await client.invoke("echo", "hi")
    header = (await watched.app.next("echo")).headers["traceparent"]
    path = "/api/hubs/chat/groups/Nobody/:send"
    headers = {
        "Authorization": f"Bearer {watched.service.server_token(path)}",
        "Content-Type": "application/json",
        "traceparent": header,
    }
    await watched.service.request(
        "POST", f"{path}?api-version=2022-06-01", headers=headers, data=b'{"target":"m","arguments":[1]}'
    )
    *_, sent = await watched.events("service_request")
    assert sent["trace_id"] == header[3:35]
    assert (sent["names"], sent["target"]) == ({"group": "Nobody"}, "m")
    assert (sent["reached"], sent["status"]) == (0, 202)
    assert sent["error"] == "A message to group 'Nobody' reached 0 connections of hub 'chat'."


async def test_connections_are_told_to_come_and_go_with_the_reason(watched: Watched) -> None:
    client = await watched.service.connect("ann")
    await watched.service.rest("DELETE", f"/connections/{client.connection_id}", "reason=enough")
    await client.next()
    opened, closed = await watched.events("connection_opened", "connection_closed")
    assert (opened["transport"], opened["protocol"], opened["user_id"]) == ("WebSockets", "json", "ann")
    assert (closed["connection_id"], closed["reason"]) == (client.connection_id, "enough")
    check([opened, closed])


async def test_refusals_say_what_was_expected_and_what_was_seen(watched: Watched) -> None:
    with clock.following(lambda: time.time() - 3605):
        late = watched.service.client_token(lifetime=timedelta(hours=1))
    await watched.service.negotiate(token=late)
    await watched.service.negotiate("hub=other&negotiateVersion=1")
    await watched.service.request("POST", "/api/hubs/chat/:send?api-version=2022-06-01", data=b"{}")
    expired, audience, unsigned = await watched.events("request_refused", "service_request")
    assert (expired["status"], audience["status"], unsigned["status"]) == (401, 401, 401)
    assert re.match(r"the token expired \d+ seconds ago, at", expired["reason"])
    assert "hub=chat', expected 'http://localhost" in audience["reason"]
    assert unsigned["error"].startswith("the request has no access token")
    check([expired, audience, unsigned])


async def test_an_app_that_fails_is_quoted_in_the_words_of_the_log(watched: Watched) -> None:
    watched.app.answer("broken", 401)
    client = await watched.service.connect()
    await client.invoke("broken")
    *_, response = await watched.events("upstream_response")
    assert response["status"] == 401
    assert "holds another AccessKey than this emulator" in response["error"]
    *_, answered = await watched.events("client_answered")
    assert answered["error"] == "Invocation failed, status code 401"


async def test_the_error_of_a_completion_is_told(watched: Watched) -> None:
    watched.app.answer("raises", 200, '{"type":3,"invocationId":"1","error":"no"}\x1e')
    client = await watched.service.connect()
    await client.invoke("raises")
    *_, answered = await watched.events("client_answered")
    assert answered["error"] == "no"


async def test_faults_on_purpose_are_called_so(watched: Watched) -> None:
    watched.service.emulator.faults.upstream(503, event="echo")
    watched.service.emulator.faults.rest(429)
    client = await watched.service.connect()
    await client.invoke("echo")
    await watched.service.send("")
    *_, response = await watched.events("upstream_response")
    *_, request = await watched.events("service_request")
    assert response["error"] == "Answered 503 on purpose, in the app's place."
    assert request["error"] == "Answered 429 on purpose, in the place of the REST API."


async def test_messagepack_is_shown_as_json(watched: Watched) -> None:
    from serverless_signalr.protocol.messages import Invocation

    client = await watched.service.connect_packed()
    await client.send(Invocation("echo", [{"a": b"\x00"}], "1"))
    await client.next()
    called, answered = await watched.events("client_called", "client_answered")
    assert json.loads(called["body"]) == [1, {}, "1", "echo", [{"a": "AA=="}], []]
    assert json.loads(answered["body"])[:3] == [3, {}, "1"]
    check([called, answered])


async def test_the_state_lists_who_is_there(watched: Watched) -> None:
    client = await watched.service.connect("ann")
    await watched.service.rest("PUT", f"/groups/g/connections/{client.connection_id}")
    await watched.service.connect(hub="other")
    state = (await watched.get("/state")).json()
    chat, other = state["hubs"]
    assert (chat["name"], other["name"], other["connection_count"]) == ("chat", "other", 1)
    [connection] = chat["connections"]
    assert (connection["user_id"], connection["groups"]) == ("ann", ["g"])
    assert connection["transport"] == "WebSockets"
    assert connection["received_bytes"] > 0
    assert connection["sent_bytes"] > 0
    assert connection["seconds"] >= 0
    assert (chat["users"], chat["groups"]) == (
        [{"name": "ann", "connections": 1}],
        [{"name": "g", "connections": 1}],
    )


async def test_no_answer_holds_a_key_or_a_token(watched: Watched) -> None:
    client = await watched.service.connect("ann", claims={"password": "planted-password"})
    token = watched.service.client_token(user_id="eve")
    await watched.service.open(f"hub=chat&access_token={token}", token)
    await client.invoke("echo", {"accessToken": "planted-token", "text": watched.service.emulator.keys[1]})
    await watched.service.negotiate(token="planted.bad.token")
    await watched.service.request("POST", "/client/negotiate?hub=no!&access_token=planted-query")
    watched.journal.add(HostEvent("function_removed", {"name": watched.service.emulator.keys[0]}))
    shown = "".join([(await watched.get(path)).text for path in ("/events", "/state", "")])
    secrets = (*watched.service.emulator.keys, token, "planted-", watched.inspector.token, "eyJ")
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Host": "host.docker.internal"}, 403),
        ({"Host": "192.168.1.2"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["", "/", "/events", "/state", "/schema", "/other"])
async def test_nobody_else_looks(watched: Watched, headers: dict[str, str], status: int, path: str) -> None:
    bearer = {"Authorization": f"Bearer {watched.inspector.token}"} if status == 403 else {"X": "y"}
    reply = await watched.get(path, headers=bearer | headers)
    assert reply.status == status
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert watched.inspector.token not in reply.text


async def test_no_other_page_may_ask_even_where_the_rest_api_allows_it(start: Start) -> None:
    from signalr_local.inspector.endpoint import Inspector
    from signalr_local.inspector.journal import Journal

    service = await start(origins=["http://localhost:5173"])
    inspector = Inspector(service.emulator, Journal())
    headers = {"Origin": "http://localhost:5173", "Authorization": f"Bearer {inspector.token}"}
    reply = await service.request("GET", "/_inspect/state", headers=headers)
    assert (reply.status, "Access-Control-Allow-Origin" in reply.headers) == (403, False)
    preflight = await service.request(
        "OPTIONS", "/_inspect/state", headers={**headers, "Access-Control-Request-Method": "GET"}
    )
    assert (preflight.status, "Access-Control-Allow-Origin" in preflight.headers) == (403, False)


async def test_the_page_is_nobodys_frame_and_is_not_kept(watched: Watched) -> None:
    reply = await watched.get("", f"token={watched.inspector.token}", headers={"Accept": "text/html"})
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert reply.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] == "no-referrer"


async def test_an_emulator_without_an_inspector_has_no_such_path(start: Start) -> None:
    service = await start()
    assert (await service.request("GET", "/_inspect")).status == 404


async def test_a_stream_goes_on_where_the_history_ends_and_says_what_it_left_out(watched: Watched) -> None:
    import aiohttp

    for number in range(5):
        watched.journal.add(HostEvent("function_removed", {"name": str(number)}))
    url = f"{watched.service.url}/_inspect/events?follow=true&limit=2&burst=1&token={watched.inspector.token}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        first = [json.loads(await response.content.readline()) for _ in range(3)]
        watched.journal.add(HostEvent("function_removed", {"name": "new"}))
        last = json.loads(await response.content.readline())
        for number in range(3):
            watched.journal.add(HostEvent("function_removed", {"name": f"burst {number}"}))
        rest = [json.loads(await response.content.readline()) for _ in range(2)]
    assert [event.get("count", event.get("name")) for event in rest] == [2, "burst 2"]
    assert [event.get("count", event.get("name")) for event in first] == [3, "3", "4"]
    assert (last["seq"], last["name"]) == (6, "new")
    check([*first, last, *rest])


async def test_a_stream_is_sent_a_burst_whole_and_less_while_more_comes(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    import aiohttp

    moments = itertools.chain([0.0] * 3, itertools.repeat(3.0))
    monkeypatch.setattr(stream, "_now", lambda: next(moments))

    url = f"{watched.service.url}/_inspect/events?follow=true&burst=8&token={watched.inspector.token}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:

        async def read(until: str) -> list[str]:
            names = []
            while until not in names:
                event = json.loads(await response.content.readline())
                names.append(str(event.get("name", event["kind"])))
            return names

        watched.journal.add(HostEvent("function_removed", {"name": "first"}))
        await read("first")
        for number in range(7):
            watched.journal.add(HostEvent("function_removed", {"name": str(number)}))
        assert await read("6") == [str(number) for number in range(7)]
        for number in range(10, 20):
            watched.journal.add(HostEvent("function_removed", {"name": str(number)}))
        later = await read("19")
    # Within three seconds of eight, three of eight may be sent again.
    assert later == ["events_skipped", "17", "18", "19"]


async def test_what_is_kept_of_large_calls_is_bounded(watched: Watched) -> None:
    client = await watched.service.connect("ann")
    text = "x" * 1_000_000
    for _ in range(12):
        assert (await client.invoke("echo", text))["result"] == text
    events = await watched.events()
    assert events[-1]["seq"] > 48
    assert sum(event.get("body_size", 0) for event in events) <= 32 << 20
    assert max(len(event.get("body") or "") for event in events) == 64 * 1024


@pytest.mark.parametrize("query", ["after=x", "limit=-1", "after=" + "9" * 20])
async def test_a_wrong_parameter_is_refused(watched: Watched, query: str) -> None:
    assert (await watched.get("/events", query)).status == 400


async def test_many_pages_look_and_one_of_them_does_not_read(watched: Watched) -> None:
    import aiohttp

    url = f"{watched.service.url}/_inspect/events?follow=true&token={watched.inspector.token}"
    client = await watched.service.connect("ann")
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        pages = [await stack.enter_async_context(session.get(url)) for _ in range(20)]
        stuck = await stack.enter_async_context(session.get(url))
        text = "x" * 60_000
        for _ in range(40):
            assert (await client.invoke("echo", text))["result"] == text
        last = watched.journal.last

        async def read(page: aiohttp.ClientResponse) -> list[int]:
            found: list[int] = []
            while not found or found[-1] < last:
                found.append(json.loads(await page.content.readline())["seq"])
            return found

        seen = await asyncio.gather(*map(read, pages))
        assert seen == [list(range(1, last + 1))] * 20
        # Whoever does not read holds up nobody, and stops no emulator.
        assert (await client.invoke("echo", 1))["result"] == 1
        stuck.close()
