"""One message to many clients: deliveries a second, and when the last one has it."""

import asyncio
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import percentile, say
from bench.load import counting, monotonic, posting, send_request, serving

_SIZE = 93


@dataclass
class _Subject:
    name: str
    kind: str
    protocol: str | None
    uvloop: bool = False
    root: str = ""
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


async def main(
    connections: int = 500, broadcasts: int = 600, rounds: int = 3, senders: int = 8, base: str = ""
) -> None:
    """Measure and print."""
    subjects = [
        _Subject("emulator, JSON", "emulator", "json"),
        _Subject("emulator, MessagePack", "emulator", "messagepack"),
        _Subject("floor: raw asyncio", "raw", None),
    ]
    if base:
        subjects.insert(2, _Subject("base, JSON", "emulator", "json", root=base))
        subjects.insert(3, _Subject("base, MessagePack", "emulator", "messagepack", root=base))
    for _ in range(rounds):
        for subject in subjects:
            await _measure(subject, connections, broadcasts, senders)
    say(f"\nFan-out to {connections} WebSocket connections, {senders} senders at a time, medians of {rounds}")
    floor = statistics.median(subjects[-1].rates)
    for s in subjects:
        rate = statistics.median(s.rates)
        say(f"{s.name:32}{rate:12,.0f}/s{statistics.median(s.cpu):10.2f} us CPU{rate / floor:8.2f}")


async def _measure(subject: _Subject, connections: int, broadcasts: int, senders: int) -> None:
    options = {"root": Path(subject.root)} if subject.root else {}
    async with (
        serving(
            subject.kind, str(_SIZE) if subject.kind == "raw" else "", uvloop=subject.uvloop, **options
        ) as server,
        counting(server, connections, protocol=subject.protocol) as (counter, _),
        posting(server, send_request(server, _SIZE), senders) as posts,
    ):
        await counter.expect(connections * 20)
        await posts.send(20)
        await counter.answer("counted")
        await counter.expect(connections * broadcasts)
        cpu, began = server.cpu, monotonic()
        await posts.send(broadcasts)
        ended = await counter.answer("counted")
        count = connections * broadcasts
        subject.rates.append(count / ((ended - began) / 1e9))
        subject.cpu.append((server.cpu - cpu) / count * 1e6)


if __name__ == "__main__":
    import sys

    kw = dict(a.split("=") for a in sys.argv[1:])
    asyncio.run(main(**{k: v if k == "base" else int(v) for k, v in kw.items()}))
