"""Calls of clients: client, emulator, an app that answers at once, and back."""

import asyncio
import json
import statistics
import time

import aiohttp

from bench.figures import percentile, say
from bench.load import Server, serving
from serverless_signalr._rest.tokens import sign_client_token

__all__ = ["main", "measure_calls"]

_HANDSHAKE = '{"protocol":"json","version":1}\x1e'
_CALL = '{"type":1,"invocationId":"1","target":"echo","arguments":["%s"]}\x1e' % ("x" * 32)


async def main(calls: int = 3000, rounds: int = 3) -> None:
    """Measure and print."""
    say(f"\n{'invoke, its completion':40}{'a second':>12}{'p50 ms':>10}{'p99 ms':>10}{'CPU us each':>14}")
    async with serving("upstream") as upstream:
        url = f"http://127.0.0.1:{upstream.port}/runtime/webhooks/signalr"
        for clients in (1, 64):
            found = []
            for _ in range(rounds):
                async with serving("emulator", url) as server:
                    found.append(await measure_calls(server, clients, calls))
            rate, p50, p99, cpu = (statistics.median(values) for values in zip(*found, strict=True))
            say(f"{f'emulator, {clients} client(s)':40}{rate:12,.0f}{p50:10.2f}{p99:10.2f}{cpu:14.0f}")
            floor = [await _post(url, clients, calls) for _ in range(rounds)]
            rate, p50, p99 = (statistics.median(values) for values in zip(*floor, strict=True))
            say(
                f"{f'floor: bare POST to the app, {clients} at a time':40}{rate:12,.0f}{p50:10.2f}{p99:10.2f}"
            )


class _Client(asyncio.Protocol):
    """A client that costs so little that the emulator is what is measured."""

    def __init__(self) -> None:
        self.arrived: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, _: bytes) -> None:
        if self.arrived is not None and not self.arrived.done():
            self.arrived.set_result(None)

    async def ask(self, data: bytes) -> None:
        """Send something and wait for what comes back, which is one message and small."""
        self.arrived = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        await self.arrived


def _masked(text: str) -> bytes:
    # A mask of zeros leaves the text as it is.
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text.encode()


async def measure_calls(server: Server, clients: int, calls: int) -> tuple[float, float, float, float]:
    """Return calls a second, milliseconds (median, 99th percentile), and microseconds of CPU a call."""
    token = sign_client_token(server.endpoint, "chat")
    upgrade = (
        f"GET /client/?hub=chat&access_token={token} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    times: list[float] = []
    sockets = [(await loop.create_connection(_Client, "127.0.0.1", server.port))[1] for _ in range(clients)]
    for socket in sockets:
        await socket.ask(upgrade)
        await socket.ask(_masked(_HANDSHAKE))
    message = _masked(_CALL)

    async def call(socket: _Client, count: int) -> None:
        for _ in range(count):
            began = time.perf_counter()
            await socket.ask(message)
            times.append(time.perf_counter() - began)

    each = max(1, calls // clients)
    await asyncio.gather(*(call(socket, max(1, each // 10)) for socket in sockets))
    times.clear()
    cpu, began = server.cpu, time.perf_counter()
    await asyncio.gather(*(call(socket, each) for socket in sockets))
    seconds, used = time.perf_counter() - began, server.cpu - cpu
    for socket in sockets:
        socket.transport.close()
    return len(times) / seconds, percentile(times, 50), percentile(times, 99), used / len(times) * 1e6


async def _post(url: str, clients: int, calls: int) -> tuple[float, float, float]:
    times: list[float] = []
    body = json.dumps({"type": 1, "invocationId": "1", "target": "echo", "arguments": ["x" * 32]}).encode()
    async with aiohttp.ClientSession() as session:

        async def call(count: int) -> None:
            for _ in range(count):
                began = time.perf_counter()
                async with session.post(url, data=body) as response:
                    await response.read()
                times.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(call(max(1, calls // clients)) for _ in range(clients)))
        seconds = time.perf_counter() - began
    return len(times) / seconds, percentile(times, 50), percentile(times, 99)


if __name__ == "__main__":
    asyncio.run(main())
