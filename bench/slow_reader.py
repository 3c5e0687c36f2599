"""Clients that stop reading, and what the others notice of it."""

import asyncio

from bench.counter import Counter, counting
from bench.figures import percentile, say
from bench.load import Posting, monotonic, posting, send_request, serving

__all__ = ["main"]


async def main(clients: int = 100, broadcasts: int = 400, size: int = 64 * 1024) -> None:
    """Measure and print."""
    title = f"{broadcasts} messages of {size // 1024} KiB to {clients} clients"
    say(f"\n{title:40}{'p50 ms':>10}{'p99 ms':>10}")
    async with serving("emulator") as server:
        for stalled in (0, 3):
            async with (
                counting(server, clients + stalled) as counter,
                posting(server, send_request(server, size), 1) as posts,
            ):
                if stalled:
                    await counter.say(f"hold {stalled}")
                    await counter.answer("held")
                before = server.memory
                times = await _send(counter, posts, clients, broadcasts)
                grown = (server.memory - before) / 1024 / 1024
                name = f"{stalled} clients do not read" if stalled else "floor: all clients read"
                p50, p99 = percentile(times, 50), percentile(times, 99)
                say(f"{name:40}{p50:10.1f}{p99:10.1f}{grown:10.0f} MiB more")


async def _send(counter: Counter, posts: Posting, clients: int, broadcasts: int) -> list[float]:
    times = []
    for _ in range(broadcasts):
        await counter.expect(clients)
        began = monotonic()
        await posts.send(1)
        times.append((await counter.answer("counted") - began) / 1e9)
    return times


if __name__ == "__main__":
    asyncio.run(main())
