"""One message to many clients: deliveries a second, CPU time each, and when the last client has it."""

import asyncio
import importlib.util
import shutil
import statistics
from dataclasses import dataclass, field

from bench.counter import SOCKET_IO, counting
from bench.figures import percentile, say
from bench.load import PEERS, monotonic, posting, send_request, serving

__all__ = ["main"]

_SIZE = 93
"""Characters of text, which make a frame of 128 bytes."""


@dataclass
class _Subject:
    name: str
    kind: str
    protocol: str | None = None
    uvloop: bool = False
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


async def main(
    connections: int = 500,
    broadcasts: int = 600,
    rounds: int = 4,
    crowds: tuple[int, ...] = (100, 1000, 5000),
    seconds: float = 60,
) -> None:
    """Measure and print."""
    await _generator(connections)
    for senders in (1, 8):
        await _rates(connections, broadcasts, rounds, senders)
    say(f"\n{'The last of all clients has a message':40}{'p50 ms':>10}{'p99 ms':>10}{'CPU us each':>14}")
    for crowd in crowds:
        await _last(crowd, max(20, broadcasts // 5))
    await _steadily(max(crowds), seconds)


async def _generator(connections: int) -> None:
    """Say what the counting clients themselves can take: a server writes 400 messages at a time."""
    rounds = 50
    async with serving("raw", str(_SIZE)) as server, counting(server, connections, protocol=None) as counter:
        request = b"POST /flood HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
        async with posting(server, request, 1) as posts:
            await counter.expect(connections * 400 * rounds)
            began = monotonic()
            await posts.send(rounds)
            rate = connections * 400 * rounds / (await counter.answer("counted") - began) * 1e9
    say(f"\nThe counting clients take {rate:,.0f} messages a second and more.")


async def _rates(connections: int, broadcasts: int, rounds: int, senders: int) -> None:
    subjects = [
        _Subject("emulator, JSON", "emulator", "json"),
        _Subject("emulator, MessagePack", "emulator", "messagepack"),
    ]
    if importlib.util.find_spec("uvloop"):
        subjects.append(_Subject("emulator, JSON, uvloop", "emulator", "json", uvloop=True))
    if importlib.util.find_spec("websockets"):
        subjects.append(_Subject("websockets.broadcast", "websockets"))
    if importlib.util.find_spec("socketio"):
        subjects.append(_Subject("python-socketio, uvicorn", "socketio", SOCKET_IO))
    if (PEERS / "node_modules").exists() and shutil.which("node"):
        subjects.append(_Subject("Node.js, ws", "ws_server.mjs"))
        subjects.append(_Subject("Node.js, Socket.IO", "socketio_server.mjs", SOCKET_IO))
    subjects.append(_Subject("floor: raw asyncio", "raw"))
    for _ in range(rounds):
        for subject in subjects:
            await _measure(subject, connections, broadcasts, senders)
    title = f"Fan-out to {connections}, {senders} sender(s)"
    say(f"\n{title:40}{'deliveries/s':>14}{'ratio':>8}{'CPU us each':>14}{'ratio':>8}")
    floor = statistics.median(subjects[-1].rates), statistics.median(subjects[-1].cpu)
    for subject in subjects:
        rate, cpu = statistics.median(subject.rates), statistics.median(subject.cpu)
        say(f"{subject.name:40}{rate:14,.0f}{rate / floor[0]:8.2f}{cpu:14.2f}{cpu / (floor[1] or 1):8.2f}")


async def _measure(subject: _Subject, connections: int, broadcasts: int, senders: int) -> None:
    async with (
        serving(
            subject.kind, "" if subject.kind == "emulator" else str(_SIZE), uvloop=subject.uvloop
        ) as server,
        counting(server, connections, protocol=subject.protocol) as counter,
    ):
        request = send_request(server, _SIZE)
        if subject.kind == "websockets":
            request = (
                b"GET /send HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            )
        async with posting(server, request, senders) as posts:
            warm_up = max(1, broadcasts // 20)
            await counter.expect(connections * warm_up)
            await posts.send(warm_up)
            await counter.answer("counted")
            await counter.expect(connections * broadcasts)
            cpu, began = server.cpu, monotonic()
            await posts.send(broadcasts)
            ended = await counter.answer("counted")
            count = connections * broadcasts
            subject.rates.append(count / (ended - began) * 1e9)
            subject.cpu.append((server.cpu - cpu) / count * 1e6)


async def _last(connections: int, broadcasts: int) -> None:
    for kind, protocol in (("emulator", "json"), ("raw", None)):
        await _paced(kind, protocol, connections, broadcasts, 0)


async def _steadily(connections: int, seconds: float) -> None:
    """Send two messages a second. A client that misses one is seen: the rest is waited for in vain."""
    say(f"\n{f'Two messages a second for {seconds:.0f} s':40}{'p50 ms':>10}{'p99 ms':>10}{'CPU us each':>14}")
    for kind, protocol in (("emulator", "json"), ("emulator", "messagepack"), ("raw", None)):
        await _paced(kind, protocol, connections, max(1, int(seconds * 2)), 0.5)


async def _paced(kind: str, protocol: str | None, connections: int, broadcasts: int, pause: float) -> None:
    async with (
        serving(kind, str(_SIZE) if kind == "raw" else "") as server,
        counting(server, connections, protocol=protocol) as counter,
        posting(server, send_request(server, _SIZE), 1) as posts,
    ):
        times = []
        cpu, due = server.cpu, monotonic()
        for _ in range(broadcasts):
            await counter.expect(connections)
            began = monotonic()
            await posts.send(1)
            times.append((await counter.answer("counted") - began) / 1e9)
            due += int(pause * 1e9)
            await asyncio.sleep(max(0, due - monotonic()) / 1e9)
        each = (server.cpu - cpu) / broadcasts / connections * 1e6
        name = f"{f'emulator, {protocol}' if protocol else 'floor'}, {connections:,} clients"
        say(f"{name:40}{percentile(times, 50):10.1f}{percentile(times, 99):10.1f}{each:14.2f}")


if __name__ == "__main__":
    asyncio.run(main())
