"""Negotiate requests a second, through the host and the app's function."""

import asyncio
import time
from urllib.parse import urlsplit

from bench.figures import percentile, say, table
from bench.stack import running_app, running_floor

_CONNECTIONS = 16
_SECONDS = 5.0


async def main() -> None:
    """Measure and print."""
    say(f"Negotiate: {_CONNECTIONS} connections kept alive, {_SECONDS:.0f} seconds each.")
    async with running_app() as app:
        measured = await _load(f"{app.api}/negotiate?user=bench")
    async with running_floor() as base:
        floor = await _load(f"{base}/negotiate")
    table(
        "Negotiate",
        ["requests/s", "p50 ms", "p99 ms"],
        [("host, worker, function, token", measured), ("floor: bare aiohttp, fixed text", floor)],
    )


async def _load(url: str) -> list[float]:
    await asyncio.gather(*(_requests(url, 1.0) for _ in range(_CONNECTIONS)))
    start = time.perf_counter()
    samples = await asyncio.gather(*(_requests(url, _SECONDS) for _ in range(_CONNECTIONS)))
    took = time.perf_counter() - start
    every = [sample for one in samples for sample in one]
    return [len(every) / took, percentile(every, 50), percentile(every, 99)]


async def _requests(url: str, seconds: float) -> list[float]:
    """Post again and again on one connection: aiohttp's client would be slower than what is measured."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
    request = (
        f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 0\r\n\r\n"
    ).encode()
    samples = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode(errors="replace"))
        length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
        await reader.readexactly(int(length))
        samples.append(time.perf_counter() - start)
    writer.close()
    return samples


if __name__ == "__main__":
    asyncio.run(main())
