"""Memory of connections that only wait."""

import asyncio
import importlib.util

from bench.counter import counting
from bench.figures import say
from bench.load import Server, serving

__all__ = ["main"]


async def main(crowds: tuple[int, ...] = (1000, 5000)) -> None:
    """Measure and print."""
    say(f"\n{'Idle WebSocket connections, KiB each':40}" + "".join(f"{crowd:>10,}" for crowd in crowds))
    kinds = [("emulator, JSON", "emulator", "json"), ("emulator, MessagePack", "emulator", "messagepack")]
    if importlib.util.find_spec("websockets"):
        kinds.append(("websockets", "websockets", ""))
    kinds.append(("floor: raw asyncio", "raw", ""))
    for name, kind, protocol in kinds:
        sizes = [await _measure(kind, protocol, crowd) for crowd in crowds]
        say(f"{name:40}" + "".join(f"{size:10.1f}" for size in sizes))


async def _measure(kind: str, protocol: str, crowd: int) -> float:
    async with serving(kind, "" if protocol else "93") as server:
        # What the first connections import and cache is no cost of the others.
        async with counting(server, 10, protocol=protocol or None):
            pass
        before = server.memory
        async with counting(server, crowd, protocol=protocol or None):
            return (await _settled(server) - before) / crowd / 1024


async def _settled(server: Server) -> int:
    """Return the memory once it no longer grows."""
    size = 0
    while (now := server.memory) > size:
        size = now
        await asyncio.sleep(0.2)
    return size


if __name__ == "__main__":
    asyncio.run(main())
