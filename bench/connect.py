"""Connecting: negotiate, WebSocket and handshake, one after the other, and everybody at once."""

import asyncio

from bench.counter import counting
from bench.figures import say
from bench.load import serving

__all__ = ["main"]


async def main(clients: int = 1000, rounds: int = 3) -> None:
    """Measure and print."""
    title = f"Connecting {clients:,} clients"
    say(f"\n{title:56}{'seconds':>10}{'a second':>12}{'CPU us each':>14}")
    for at_once, name in ((1, "one after the other"), (16, "16 at a time"), (clients, "all at once")):
        for kind, protocol in (("emulator", "json"), ("raw", "")):
            best = min([await _measure(kind, protocol, clients, at_once) for _ in range(rounds)])
            what = "negotiate, WebSocket, handshake" if protocol else "floor: WebSocket alone"
            _say(f"{name}, {what}", clients, *best)
    async with (
        serving("emulator") as server,
        counting(server, clients, negotiated=True, at_once=clients) as counter,
    ):
        cpu = server.cpu
        seconds = await counter.reconnect()
        each = (server.cpu - cpu) / clients * 1e6
        _say("all are cut off and reconnect at once", clients, seconds, each)


def _say(name: str, clients: int, seconds: float, cpu: float) -> None:
    say(f"{name:56}{seconds:10.2f}{clients / seconds:12,.0f}{cpu:14.1f}")


async def _measure(kind: str, protocol: str, clients: int, at_once: int) -> tuple[float, float]:
    async with serving(kind, "" if protocol else "93") as server:
        cpu = server.cpu
        async with counting(
            server, clients, protocol=protocol or None, negotiated=bool(protocol), at_once=at_once
        ) as counter:
            return counter.connected, (server.cpu - cpu) / clients * 1e6


if __name__ == "__main__":
    asyncio.run(main())
