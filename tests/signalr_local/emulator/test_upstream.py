"""The way to the app: rules, requests, and what the log says when it is blocked."""

import asyncio
import gzip
import logging
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from serverless_signalr.protocol.signature import is_signed, sign
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator import DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY, UpstreamRule
from signalr_local.emulator.upstream import MAX_ANSWER, Upstream

type Start = Callable[..., Any]

HANDSHAKE = '{"protocol":"json","version":1}\x1e'


async def test_the_url_is_asked_for_as_it_is_written(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(f"{app.url}/{{event}}?code=a%2Fb%3D%3D")])
    await service.connect()
    assert (await app.next("connected")).path == "/webhook/connected?code=a%2Fb%3D%3D"


async def test_only_the_first_rule_that_matches_is_used(start: Start, app: Any) -> None:
    rules = [
        UpstreamRule(f"{app.url}/1", event="connected"),
        UpstreamRule(f"{app.url}/2", hub="chat"),
        UpstreamRule(f"{app.url}/3"),
    ]
    service = await start(rules)
    client = await service.connect()
    assert (await app.next("connected")).path == "/webhook/1"
    await client.invoke("m")
    assert (await app.next("m")).path == "/webhook/2"
    assert app.events.empty()


async def test_rules_may_be_changed_while_clients_are_connected(start: Start, app: Any) -> None:
    service = await start()
    client = await service.connect()
    assert "no upstream is set" in (await client.invoke("m"))["error"]
    service.emulator.upstream = [UpstreamRule(app.url)]
    assert await client.invoke("m") == {"type": 3, "invocationId": "1"}
    assert [rule.url for rule in service.emulator.upstream] == [app.url]


async def test_a_request_says_who_and_what_and_is_signed(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect("ann", claims={"role": ["a", "b"]}, query="&x=1")
    event = await app.next("connected")
    headers = event.headers
    assert headers["X-ASRS-Connection-Id"] == client.connection_id
    assert headers["X-ASRS-Hub"] == "chat"
    assert headers["X-ASRS-User-Id"] == "ann"
    assert headers["X-ASRS-User-Claims"].startswith("role: a, role: b, ")
    assert headers["X-ASRS-Client-Query"].startswith("?hub=chat&id=")
    assert headers["X-ASRS-Client-Query"].endswith("&x=1")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", headers["traceparent"])
    keys = [DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY]
    assert headers["X-ASRS-Signature"] == sign(client.connection_id, keys)


async def test_a_request_has_the_headers_of_the_service_and_no_others(
    service_with_app: Any, app: Any
) -> None:
    await service_with_app.connect("ann")
    names = {name.lower() for name in (await app.next("connected")).headers}
    wanted = ["connection-id", "hub", "category", "event", "user-id", "user-claims", "signature"]
    assert names == {f"x-asrs-{name}" for name in (*wanted, "client-query")} | {
        *("content-type", "content-length", "host", "traceparent")
    }


async def test_a_compressed_answer_is_not_decompressed_since_nobody_asked_for_it(
    service_with_app: Any, app: Any
) -> None:
    async def answer(event: Any) -> web.StreamResponse:
        completion = b'{"type":3,"invocationId":"1","result":1}\x1e'
        return web.Response(body=gzip.compress(completion), headers={"Content-Encoding": "gzip"})

    app.answers["m"] = answer
    client = await service_with_app.connect()
    assert "is no completion of the hub protocol" in (await client.invoke("m"))["error"]


async def test_an_event_that_is_answered_is_not_logged(
    service_with_app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_with_app.connect()
    caplog.clear()
    await client.invoke("echo", 1)
    assert caplog.records == []


async def test_long_names_are_cut_in_the_log(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    client = await (await start([])).connect()
    await client.invoke("x" * 20_000)
    assert "Event 'xxx" in caplog.text
    assert "x" * 201 not in caplog.text


async def test_claims_that_no_header_can_hold_are_left_out(service_with_app: Any, app: Any) -> None:
    await service_with_app.connect("ann", claims={"role": ["a\nb", "c"], "x\ry": "1", "team": "blue"})
    header = (await app.next("connected")).headers["X-ASRS-User-Claims"]
    assert header.startswith("team: blue, asrs.s.uid: ann, ")


async def test_each_request_has_a_trace_of_its_own(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect()
    await client.invoke("m")
    traces = {(await app.next(name)).headers["traceparent"] for name in ("connected", "m")}
    assert len(traces) == 2


async def test_the_app_gets_the_query_of_the_client_with_id_and_token_and_the_log_does_not(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = service_with_app.client_token(user_id="ann")
    query = f"hub=chat&id=ID&access_token={token}&x=%20"
    id = (await service_with_app.negotiate(token=token)).json()["connectionToken"]
    client = await service_with_app.open(query.replace("ID", id), token)
    await client.send_text(HANDSHAKE)
    assert await client.next_frame() == "{}"
    app.answer("m", 500)
    await client.invoke("m")
    for name in ("connected", "m"):
        assert (await app.next(name)).headers["X-ASRS-Client-Query"] == "?" + query.replace("ID", id)
    assert token not in caplog.text
    assert id not in caplog.text


async def test_more_than_100_events_are_on_their_way_at_a_time(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url, category="messages")])
    all_arrived = asyncio.Event()
    arrived = 0

    async def wait(event: Any) -> web.StreamResponse:
        nonlocal arrived
        arrived += 1
        if arrived == 120:
            all_arrived.set()
        await all_arrived.wait()
        return web.Response()

    app.answers["m"] = wait
    clients = [await service.connect() for _ in range(120)]
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(client.invoke("m") for client in clients))
    assert [answer.get("error") for answer in answers] == [None] * 120


async def test_an_anonymous_client_has_no_user_id_header(service_with_app: Any, app: Any) -> None:
    await service_with_app.connect()
    assert "X-ASRS-User-Id" not in (await app.next("connected")).headers


async def test_a_user_id_may_be_any_text(service_with_app: Any, app: Any) -> None:
    await service_with_app.connect("Jörg 🙂, x: y")
    assert (await app.next("connected")).headers["X-ASRS-User-Id"] == "Jörg 🙂, x: y"


async def test_every_key_signs(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], keys=["p" * 44, "s" * 44])
    client = await service.connect()
    signature = (await app.next("connected")).headers["X-ASRS-Signature"]
    assert len(signature.split(", ")) == 2
    for key in ("p" * 44, "s" * 44):
        assert is_signed(client.connection_id, signature, [key])


def status_error(status: int) -> dict[str, object]:
    return {"type": 3, "invocationId": "1", "error": f"Invocation failed, status code {status}"}


async def test_an_app_that_is_not_there_counts_as_500(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    service = await start([UpstreamRule(f"http://127.0.0.1:{port}/webhook?code=secret")])
    client = await service.connect()
    assert await client.invoke("m") == status_error(500)
    assert (
        f"Event 'm' (hub 'chat', category 'messages') was not delivered to http://127.0.0.1:{port}/webhook"
        in caplog.text
    )
    assert "is the function host running there?" in caplog.text
    assert "secret" not in caplog.text


async def test_an_app_that_does_not_answer_in_time_counts_as_500(
    start: Start, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    service = await start([UpstreamRule(app.url, category="messages")], upstream=0.1)

    async def wait(event: Any) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    app.answers["m"] = wait
    client = await service.connect()
    assert await client.invoke("m") == status_error(500)
    assert "no answer within 0.1 seconds" in caplog.text


@pytest.mark.parametrize("url", ["no-address", "ftp://app/", "http://", "http://127.0.0.1:99999/"])
async def test_an_address_that_is_none_counts_as_500(
    start: Start, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    client = await (await start([UpstreamRule(url)])).connect()
    assert await client.invoke("m") == status_error(500)
    assert "Event 'm' (hub 'chat', category 'messages') was not delivered" in caplog.text


async def test_an_app_that_hangs_up_counts_as_500(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang_up(event: Any) -> web.StreamResponse:
        raise asyncio.CancelledError

    app.answers["m"] = hang_up
    client = await service_with_app.connect()
    assert await client.invoke("m") == status_error(500)
    assert "the app hung up without a response" in caplog.text


async def test_a_user_id_that_no_header_can_hold_counts_as_500(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect("ann\nbob")
    assert await client.invoke("m") == status_error(500)


@pytest.mark.parametrize(
    ("name", "status", "hint"),
    [
        ("m", 404, "No function there has a SignalR trigger for this hub, category and event"),
        ("m", 401, "holds another AccessKey than this emulator, or the URL lacks the code"),
        ("m", 415, "does not take the content type"),
        ("m", 500, "The app failed; see its log."),
        ("m", 302, "Expected 200 or 204."),
        ("connected", 403, "The function failed; see its log. The client stays connected."),
    ],
)
async def test_the_log_says_what_a_status_means(
    start: Start, app: Any, caplog: pytest.LogCaptureFixture, name: str, status: int, hint: str
) -> None:
    service = await start([UpstreamRule(f"{app.url}?code=secret")])
    app.answer(name, status)
    client = await service.connect()
    await client.invoke("m")
    category = "messages" if name == "m" else "connections"
    assert f"Event '{name}' (hub 'chat', category '{category}') was answered {status} by {app.url}. " in (
        caplog.text
    )
    assert hint in caplog.text
    assert "secret" not in caplog.text


class Stream:
    """Answer with chunks of a body, and then in the way of the test."""

    def __init__(self, then: Callable[[web.StreamResponse], Any], *chunks: bytes) -> None:
        self.then = then
        self.chunks = chunks

    async def __call__(self, event: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(event.request)
        for chunk in self.chunks:
            await response.write(chunk)
        await self.then(response)
        return response


async def test_a_chunked_answer_is_put_together(service_with_app: Any, app: Any) -> None:
    async def end(response: web.StreamResponse) -> None:
        await response.write_eof()

    app.answers["m"] = Stream(end, b'{"type":3,', b'"invocationId":"1"}\x1e')
    client = await service_with_app.connect()
    assert await client.invoke("m") == {"type": 3, "invocationId": "1"}


async def test_a_chunked_answer_without_a_byte_is_no_result(service_with_app: Any, app: Any) -> None:
    async def end(response: web.StreamResponse) -> None:
        await response.write_eof()

    app.answers["m"] = Stream(end)
    client = await service_with_app.connect()
    assert await client.invoke("m") == {"type": 3, "invocationId": "1"}


async def test_an_answer_over_16_mib_is_too_large(service_with_app: Any, app: Any) -> None:
    app.answer("m", body=b"x" * (MAX_ANSWER + 1))
    client = await service_with_app.connect()
    assert (await client.invoke("m"))["error"] == "Invocation failed, response too large."


async def test_an_answer_that_stalls_is_cancelled(start: Start, app: Any) -> None:
    async def stall(response: web.StreamResponse) -> None:
        await asyncio.sleep(60)

    service = await start([UpstreamRule(app.url)], upstream=0.2)
    app.answers["m"] = Stream(stall, b"{")
    client = await service.connect()
    assert (await client.invoke("m"))["error"] == "Invocation failed, response cancelled."


async def test_an_answer_that_breaks_off_says_so(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def break_off(response: web.StreamResponse) -> None:
        raise asyncio.CancelledError

    app.answers["m"] = Stream(break_off, b"{")
    client = await service_with_app.connect()
    assert (await client.invoke("m"))["error"].startswith("Invocation failed, error: ")
    assert "Event 'm' (hub 'chat', category 'messages') was answered, but: Invocation failed" in caplog.text


async def test_redirects_are_not_followed_and_cookies_are_not_kept(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url.replace("127.0.0.1", "localhost"))])

    async def redirect(event: Any) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": app.url, "Set-Cookie": "a=b"})

    app.answers["m"] = redirect
    client = await service.connect()
    assert await client.invoke("m") == status_error(307)
    await app.next("connected")
    await app.next("m")
    await client.invoke("after")
    assert "Cookie" not in (await app.next("after")).headers


async def test_a_user_of_half_a_surrogate_pair_is_no_reason_to_lose_the_connection(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_with_app.connect("\ud83d")
    assert (await client.invoke("m"))["type"] == 3
    await client.leave()
    for name in ("connected", "m", "disconnected"):
        await app.next(name)
    assert "Traceback" not in caplog.text


NAMES = st.text(st.characters(exclude_categories=()), max_size=20)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, st.dictionaries(NAMES, NAMES, max_size=3)), max_size=20))
def test_whatever_names_are_every_event_is_answered(events: list[tuple[str, str, dict[str, str]]]) -> None:
    async def deliver() -> None:
        app = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=0.1)
        await app.setup()
        await web.TCPSite(app, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{app.addresses[0][1]}/{{event}}"
        upstream = Upstream([UpstreamRule(url)], [DEFAULT_ACCESS_KEY], 10)
        upstream.open()
        for target, user, claims in events:
            event = UpstreamEvent(
                "chat", "messages", target, "c", user, {name: (value,) for name, value in claims.items()}
            )
            found = await upstream.deliver(event, "application/json", b"{}")
            assert found.body == b"fine" or str(found.error).startswith("Invocation failed, status code ")
        upstream.close()
        await app.cleanup()

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"fine")

    asyncio.run(deliver())
