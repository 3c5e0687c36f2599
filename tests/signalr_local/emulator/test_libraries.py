"""Client libraries that others wrote, against the emulator."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pysignalr.client import SignalRClient
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.types import HubProtocolEncoding

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


@pytest.mark.parametrize("protocol", [HubProtocolEncoding.text, HubProtocolEncoding.binary, None])
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
