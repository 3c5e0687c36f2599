"""Client libraries that others wrote, against the emulator."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
import websockets
from pysignalr.client import SignalRClient
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.types import HttpTransportType, HubProtocolEncoding

from signalr_local.emulator import UpstreamRule

type Start = Callable[..., Any]


@pytest.fixture
async def service(start: Start, service_with_app: Any, app: Any) -> Any:
    """Run an emulator whose pings come often: signalrcore notices that it was stopped when it hears one."""
    return await start([UpstreamRule(app.url)], ping=0.05)


@pytest.mark.parametrize("protocol", [JSONProtocol, MessagepackProtocol])
async def test_pysignalr_connects_is_answered_and_receives(
    service: Any, app: Any, negotiate_url: str, protocol: Callable[[], Any]
) -> None:
    client = SignalRClient(negotiate_url, protocol=protocol())
    results: asyncio.Queue[Any] = asyncio.Queue()
    opened = asyncio.Event()

    async def on_open() -> None:
        opened.set()

    async def on_result(message: Any) -> None:
        await results.put(message.result)

    async def on_message(arguments: Any) -> None:
        await results.put(arguments)

    client.on_open(on_open)
    client.on("m", on_message)
    running = asyncio.create_task(client.run())
    async with asyncio.timeout(10):
        await opened.wait()
        await app.next("connected")
        await client.send("echo", [{"a": "ü"}], on_result)
        assert await results.get() == {"a": "ü"}
        await service.send("/users/ann", 1, "two")
        assert await results.get() == [1, "two"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await app.next("echo")
    await app.next("disconnected")


TEXT, BINARY = HubProtocolEncoding.text, HubProtocolEncoding.binary


@pytest.mark.parametrize("protocol", [TEXT, BINARY, None])
async def test_signalrcore_connects_is_answered_and_receives(
    service: Any, app: Any, negotiate_url: str, protocol: HubProtocolEncoding | None
) -> None:
    loop = asyncio.get_running_loop()
    results: asyncio.Queue[Any] = asyncio.Queue()
    opened = threading.Event()

    def put(value: object) -> None:
        loop.call_soon_threadsafe(results.put_nowait, value)

    builder = HubConnectionBuilder().with_url(negotiate_url)
    # Left to itself it speaks MessagePack to Azure.
    client = (builder if protocol is None else builder.with_hub_protocol(protocol)).build()
    client.on_open(opened.set)
    client.on("m", put)
    await asyncio.to_thread(client.start)
    try:
        assert await asyncio.to_thread(opened.wait, 10)
        async with asyncio.timeout(10):
            await app.next("connected")
            await asyncio.to_thread(client.invoke, "echo", [{"a": "ü"}], lambda answer: put(answer.result))
            assert await results.get() == {"a": "ü"}
            await service.send("/users/ann", 1, "two")
            assert await results.get() == [1, "two"]
    finally:
        await asyncio.to_thread(client.stop)
    await app.next("echo")
    await app.next("disconnected")


async def test_signalrcore_has_an_event_stream_where_it_is_not_redirected(service: Any, app: Any) -> None:
    # Redirected, it asks the service for a connection that it has not negotiated. Its polls have no token.
    loop = asyncio.get_running_loop()
    results: asyncio.Queue[Any] = asyncio.Queue()
    options = {
        "transport": HttpTransportType.server_sent_events,
        "headers": {"Authorization": f"Bearer {service.client_token(user_id='ann')}"},
    }
    builder = HubConnectionBuilder().with_url(f"{service.url}/client/?hub=chat", options=options)
    client = builder.with_hub_protocol(TEXT).build()
    client.on("m", lambda arguments: loop.call_soon_threadsafe(results.put_nowait, arguments))
    await asyncio.to_thread(client.start)
    connection_id = (await app.next("connected")).connection_id
    async with asyncio.timeout(10):
        await asyncio.to_thread(client.send, "called", ["ü"])
        assert (await app.next("called")).json()["arguments"] == ["ü"]
        await service.send("/users/ann", 1, "two")
        assert await results.get() == [1, "two"]
    # It stops when its stream has ended.
    stopping = asyncio.create_task(asyncio.to_thread(client.stop))
    await service.rest("DELETE", f"/connections/{connection_id}")
    async with asyncio.timeout(10):
        await stopping
    # It leaves its socket open if the stream has ended before it stops.
    await asyncio.to_thread(client.transport._client.dispose)
    await app.next("disconnected")


async def test_pysignalr_is_back_after_a_restart(service: Any, app: Any, negotiate_url: str) -> None:
    client = SignalRClient(negotiate_url)
    opened: asyncio.Queue[None] = asyncio.Queue()
    received: asyncio.Queue[Any] = asyncio.Queue()

    async def on_open() -> None:
        opened.put_nowait(None)

    async def on_message(arguments: Any) -> None:
        received.put_nowait(arguments)

    async def run() -> None:
        # It asks for the connection that it had, which the service no longer knows; whoever uses it begins
        # anew then.
        while True:
            with contextlib.suppress(websockets.InvalidStatus):
                await client.run()

    client.on_open(on_open)
    client.on("m", on_message)
    running = asyncio.create_task(run())
    async with asyncio.timeout(60):
        await opened.get()
        await service.emulator.restart()
        await opened.get()
        for name in ("connected", "disconnected", "connected"):
            await app.next(name)
        await service.send("/users/ann", 1)
        assert await received.get() == [1]
    # It leaves the task behind that pings for its first connection.
    left = [task for task in asyncio.all_tasks() if "WebsocketTransport" in repr(task)]
    for task in (running, *left):
        task.cancel()
    await asyncio.gather(running, *left, return_exceptions=True)
    await app.next("disconnected")
