"""What the inspector costs: an emulator without one, with one that nobody looks at, and with one that is.

CPU time of the emulator, since rates depend on what else the machine does. The subjects take turns, and the
ratios are those of one turn, of which the median is printed.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp

from bench.calls import measure_calls
from bench.counter import counting
from bench.figures import say
from bench.load import Server, posting, send_request, serving

__all__ = ["main"]

_SIZE = 93
_SUBJECTS = (
    ("with an inspector that is looked at", "inspected", True),
    ("with an inspector", "inspected", False),
    ("floor: without", "emulator", False),
)


async def main(connections: int = 200, broadcasts: int = 500, calls: int = 4000, rounds: int = 7) -> None:
    """Measure and print."""

    async def fan_out(server: Server) -> float:
        return await _fan_out(server, connections, broadcasts)

    async def invoke(server: Server) -> float:
        return (await measure_calls(server, 16, calls))[3]

    async with serving("upstream") as upstream:
        url = f"http://127.0.0.1:{upstream.port}/runtime/webhooks/signalr"
        await _compare(f"Fan-out to {connections}", "CPU us a delivery", "", fan_out, rounds)
        await _compare("Calls of 16 clients", "CPU us a call", url, invoke, rounds)


async def _compare(
    title: str, unit: str, option: str, measure: Callable[[Server], Awaitable[float]], rounds: int
) -> None:
    found: dict[str, list[float]] = {name: [] for name, _, _ in _SUBJECTS}
    for _ in range(rounds):
        for name, kind, is_watched in _SUBJECTS:
            async with serving(kind, option) as server, _watching(server, is_watched=is_watched):
                found[name].append(await measure(server))
    floor = found[_SUBJECTS[-1][0]]
    say(f"\n{title:40}{unit:>20}{'ratio':>8}")
    for name, values in found.items():
        ratio = statistics.median(one / (other or 1) for one, other in zip(values, floor, strict=True))
        say(f"{name:40}{statistics.median(values):20.2f}{ratio:8.3f}")


@asynccontextmanager
async def _watching(server: Server, *, is_watched: bool) -> AsyncIterator[None]:
    """Follow the events as the page does, if that is asked for."""
    if not is_watched:
        yield
        return
    url = f"http://127.0.0.1:{server.port}/_inspect/events?follow=true&burst=100&token=bench"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        reading = asyncio.create_task(_read(response))
        yield
        reading.cancel()


async def _read(response: aiohttp.ClientResponse) -> None:
    async for _ in response.content.iter_any():
        pass


async def _fan_out(server: Server, connections: int, broadcasts: int) -> float:
    async with (
        counting(server, connections) as counter,
        posting(server, send_request(server, _SIZE), 4) as posts,
    ):
        await counter.expect(connections * broadcasts)
        cpu = server.cpu
        await posts.send(broadcasts)
        await counter.answer("counted")
        return (server.cpu - cpu) / connections / broadcasts * 1e6


if __name__ == "__main__":
    asyncio.run(main())
