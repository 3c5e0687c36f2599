"""The emulator as a whole: start, stop, and what a browser needs."""

import asyncio
import gzip
import io
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from serverless_signalr.endpoint import Endpoint
from signalr_local.emulator import DEFAULT_ACCESS_KEY, DEFAULT_PORT, Emulator, Timing, UpstreamRule

type Start = Callable[..., Any]


def test_the_key_and_the_port_are_those_of_the_official_emulator() -> None:
    assert DEFAULT_ACCESS_KEY == "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
    assert DEFAULT_PORT == 8888


async def test_the_connection_string_is_what_an_app_needs(service: Any) -> None:
    text = service.emulator.connection_string
    port = service.emulator.port
    assert text == f"Endpoint=http://localhost;Port={port};AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;"
    assert Endpoint.parse(text).url == f"http://localhost:{port}"


async def test_the_first_key_is_in_the_connection_string(start: Start) -> None:
    service = await start(keys=["p" * 44, "s" * 44])
    assert service.endpoint.access_key == "p" * 44


def test_an_emulator_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one access key"):
        Emulator(keys=[])


@pytest.mark.parametrize("key", ["short", "k" * 43 + ";", "k" * 20 + " ", "ü" * 44, ""])
def test_a_key_that_no_sdk_could_sign_with_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="expected 16 ASCII characters or more") as refused:
        Emulator(keys=["k" * 44, key])
    assert not key or key not in str(refused.value)


async def test_a_port_that_is_in_use_is_an_oserror_and_a_later_start_works(nothing_remains: None) -> None:
    emulator = Emulator()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            await emulator.start(port=port)
    await emulator.start(port=port)
    assert emulator.port == port
    await emulator.stop()


async def test_an_emulator_that_does_not_run_has_no_port() -> None:
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="not running"):
        _ = emulator.port
    with pytest.raises(RuntimeError, match="not running"):
        _ = emulator.connection_string
    await emulator.stop()


async def test_what_else_it_goes_by_is_logged_when_it_starts(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    service = await start(hosts=["emulator"])
    assert f"Endpoint=http://emulator;Port={service.emulator.port}; names it too." in caplog.text
    assert DEFAULT_ACCESS_KEY not in caplog.text


async def test_an_emulator_is_started_once(service: Any) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        await service.emulator.start(port=0)


async def test_an_emulator_may_be_started_again(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)])
    await service.rest("PUT", "/users/ann/groups/g")
    port = service.emulator.port
    await service.emulator.stop()
    await service.emulator.start(port=port)
    client = await service.connect("ann")
    await service.send("/groups/g", "still here")
    assert (await client.next())["arguments"] == ["still here"]


async def test_another_emulator_remembers_nothing(start: Start) -> None:
    first = await start()
    await first.rest("PUT", "/users/ann/groups/g")
    assert (await first.rest("HEAD", "/users/ann/groups/g")).status == 200
    assert (await (await start()).rest("HEAD", "/users/ann/groups/g")).status == 404


async def test_stop_sends_all_clients_away_and_invites_them_back(service_with_app: Any, app: Any) -> None:
    clients = [await service_with_app.connect(hub=hub) for hub in ("chat", "chat", "other")]
    for _ in clients:
        await app.next("connected")
    stopping = asyncio.create_task(service_with_app.emulator.stop())
    for client in clients:
        assert await client.next() == {"type": 7, "allowReconnect": True}
        assert await client.ended() == 1000
    await stopping
    gone = {(await app.next("disconnected")).connection_id for _ in clients}
    assert gone == {client.connection_id for client in clients}
    assert app.events.empty()


async def test_stop_twice_is_no_error(service: Any) -> None:
    await service.emulator.stop()
    await service.emulator.stop()


async def test_stop_waits_neither_for_clients_nor_for_the_app(start: Start, app: Any) -> None:
    async def wait(event: Any) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    for name in ("connected", "disconnected", "m"):
        app.answers[name] = wait
    service = await start([UpstreamRule(app.url)])
    before = asyncio.all_tasks()
    silent = [await service.open() for _ in range(3)]
    for _ in range(3):
        client = await service.connect()
        await client.send({"type": 1, "invocationId": "1", "target": "m", "arguments": []})
        await app.next("connected")
    for _ in range(20):
        await service.send("", "x" * 1_000_000)
    began = time.monotonic()
    await service.emulator.stop()
    assert time.monotonic() - began < 2
    ours = [task for task in asyncio.all_tasks() - before if "/local/emulator/" in str(task.get_stack())]
    assert not ours
    assert len(silent) == 3


async def test_the_app_may_use_the_rest_api_when_it_learns_who_has_gone(start: Start, app: Any) -> None:
    replies = []

    async def broadcast(event: Any) -> web.StreamResponse:
        replies.append(await service.send("", "somebody left"))
        return web.Response()

    service = await start([UpstreamRule(app.url)])
    app.answers["disconnected"] = broadcast
    client = await service.connect()
    await asyncio.gather(service.emulator.stop(), client.leave())
    assert [reply.status for reply in replies] == [202]


async def test_clients_that_come_while_it_stops_are_503(start: Start, app: Any) -> None:
    statuses = []

    async def negotiate(event: Any) -> web.StreamResponse:
        statuses.append((await service.negotiate()).status)
        return web.Response()

    service = await start([UpstreamRule(app.url)])
    app.answers["disconnected"] = negotiate
    client = await service.connect()
    await asyncio.gather(service.emulator.stop(), client.leave())
    assert statuses == [503]


async def test_a_client_that_is_let_in_is_answered_while_it_stops_and_others_are_503(service: Any) -> None:
    inside, outside = await service.poller(), await service.poller()
    await inside.shake_hands()
    waiting = await inside.wait()
    stopping = asyncio.create_task(service.emulator.stop())
    assert "allowReconnect" in (await waiting).text
    assert (await outside.poll()).status == 503
    assert await service.refusal("hub=chat") == 503
    assert (await inside.ask("DELETE")).status == 202
    await stopping


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_root_is_a_page_that_says_what_this_is(service: Any, method: str) -> None:
    reply = await service.request(method, "/")
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert method == "HEAD" or "Serverless mode" in reply.text


@pytest.mark.parametrize(("method", "path"), [("GET", "/favicon.ico"), ("POST", "/"), ("GET", "/clients")])
async def test_anything_else_is_404(service: Any, method: str, path: str) -> None:
    assert (await service.request(method, path)).status == 404


@pytest.mark.parametrize("path", ["/server/negotiate?hub=chat", "/server/?hub=chat"])
async def test_a_server_of_default_mode_is_404_and_the_log_says_what_to_set(
    service: Any, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    assert (await service.request("POST", path)).status == 404
    assert (
        "set AzureSignalRServiceTransportType, or ServiceTransportType of the Management SDK, to Transient"
        in caplog.text
    )


@pytest.mark.parametrize(
    "path", ["/client/?hub=chat", "/client/?hub=chat&id=none", "/client/negotiate?hub=chat"]
)
async def test_no_get_of_a_client_may_be_cached(service: Any, path: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {service.client_token()}"}):
        reply = await service.request("GET", path, headers=headers)
        assert reply.status in (400, 401, 404, 405)
        assert reply.headers["Cache-Control"] == "no-cache, no-store"
    assert "Cache-Control" not in (await service.negotiate()).headers


async def test_what_a_client_posts_is_not_decompressed(service: Any) -> None:
    poller = await service.poller()
    await poller.poll()
    data = io.BytesIO(gzip.compress(b'{"protocol":"json","version":1}\x1e') + b"\x1e")
    headers = {**poller.headers, "Content-Encoding": "gzip"}
    assert (await service.request("POST", poller.path, headers=headers, data=data)).status == 200
    assert "An unexpected error occurred during connection handshake." in (await poller.poll()).text


async def test_the_server_header_names_what_answers(service: Any) -> None:
    assert (await service.request("GET", "/")).headers["Server"].startswith("Python/")


ORIGIN = "http://localhost:3000"


@pytest.mark.parametrize("path", ["/client/negotiate?hub=chat", "/client/?hub=chat"])
async def test_a_preflight_passes_without_a_token(service: Any, path: str) -> None:
    wanted = "authorization,x-requested-with,x-signalr-user-agent"
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": wanted,
    }
    reply = await service.request("OPTIONS", path, headers=headers)
    assert reply.status == 204
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"
    assert reply.headers["Access-Control-Allow-Methods"] == "POST"
    assert reply.headers["Access-Control-Allow-Headers"] == wanted
    assert reply.headers["Vary"] == "Origin"


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_a_page_of_any_origin_may_read_every_answer(service: Any, token: str | None) -> None:
    headers = {"Origin": ORIGIN, "Authorization": f"Bearer {token or service.client_token()}"}
    reply = await service.request("POST", "/client/negotiate?hub=chat", headers=headers)
    assert reply.status == (401 if token else 200)
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"


async def test_without_an_origin_there_are_no_such_headers(service: Any) -> None:
    assert "Access-Control-Allow-Origin" not in (await service.negotiate()).headers


async def test_a_request_that_is_no_http_is_logged_without_its_token(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.emulator.port)
    writer.write("GET /client/?access_token=secret&ü HTTP/1.1\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.0 400 ")
    writer.close()
    await writer.wait_closed()
    assert "it is not valid HTTP (InvalidURLError)." in caplog.text
    assert "secret" not in caplog.text


async def test_neither_tokens_nor_keys_are_ever_logged(
    start: Start, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    service = await start([UpstreamRule(f"{app.url}?code=function-key")], keys=["k" * 44])
    app.answer("m", 404)
    token = service.client_token()
    client = await service.open(f"hub=chat&access_token={token}", token)
    await client.send_text('{"protocol":"json","version":1}\x1e')
    await client.next()
    await client.send(
        {
            "type": 1,
            "invocationId": "1",
            "target": "m",
            "arguments": [],
            "headers": {"Authorization": f"Bearer {token}"},
        }
    )
    await client.next()
    await client.send_text(f"{token}\x1e")
    await client.next()
    await service.negotiate(token=token[:-3])
    await service.send("", "x")
    for secret in (token, token[:-3], "function-key", "k" * 44):
        assert secret not in caplog.text


def test_the_durations_are_those_of_the_service() -> None:
    assert Timing() == Timing(
        negotiated_id=15, prompt_connect=5, handshake=15, ping=15, client_timeout=30, upstream=100
    )


async def test_keys_may_be_renewed_while_it_runs(service: Any) -> None:
    old = service.client_token()
    assert (await service.negotiate(token=old)).status == 200
    with pytest.raises(ValueError, match="at least one access key"):
        service.emulator.keys = []
    service.emulator.keys = ["another" * 3]
    assert service.emulator.keys == ["another" * 3]
    assert (await service.negotiate(token=old)).status == 401
    service.endpoint = Endpoint.parse(service.emulator.connection_string)
    assert (await service.negotiate()).status == 200
