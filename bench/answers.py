"""Streamed answers: messages, delay and CPU of each, 200 of them at once, beside a loop that only iterates.

The model yields a token every 1/60 second. The floor iterates over it and does nothing; where pieces go to
the service, a server in another process, it makes as many bare requests with a session of aiohttp.
The memory is what the store in memory holds of each answer, and may not grow with its length.
"""

import asyncio
import gc
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from bench.figures import percentile, say, table
from serverless_signalr._answers.memory import MemoryAnswerStore
from serverless_signalr._answers.streaming import stream_answer
from serverless_signalr._answers.targets import ANSWER_TARGET, Send
from serverless_signalr.rest import ServiceClient

__all__ = ["main"]

RATE = 60
_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"


async def main(tokens: int = 500, crowd: int = 200) -> None:
    """Measure one answer, then a crowd of them, and print the figures."""
    await _one(tokens)
    await _crowd(tokens, crowd)
    await _memory(tokens, crowd)


async def model(tokens: int) -> AsyncIterator[str]:
    """Yield tokens at the pace of a model, whatever the reader does between them."""
    loop = asyncio.get_running_loop()
    start = loop.time() + random.random() / RATE
    for number in range(tokens):
        await asyncio.sleep(max(0.0, start + number / RATE - loop.time()))
        yield f"tok{number % 10} "


async def _one(tokens: int) -> None:
    sent: list[tuple[float, str]] = []
    written: list[float] = []

    async def send(piece: dict[str, Any]) -> None:
        sent.append((time.perf_counter(), piece.get("text", "")))

    async with stream_answer(send) as answer:
        async for token in model(tokens):
            written.append(time.perf_counter())
            await answer.write(token)
    arrived = [at for at, text in sent for _ in range(text.count(" "))]
    delays = [after - before for before, after in zip(written, arrived, strict=True)]
    say(f"\nOne answer of {tokens} tokens at {RATE} a second")
    say(f"{len(sent)} messages; a message per token would be {tokens}")
    say(f"added delay: p50 {percentile(delays, 50):.0f} ms, p99 {percentile(delays, 99):.0f} ms")


async def _crowd(tokens: int, crowd: int) -> None:
    store = MemoryAnswerStore(single_instance=True)
    columns = ["CPU ms each", "median s", "slowest s"]
    table(
        f"{crowd} answers of {tokens} tokens at once, pieces that go nowhere",
        columns,
        [
            ("with a store", await _cost(lambda: _stream(tokens, _nothing, store), crowd)),
            ("without", await _cost(lambda: _stream(tokens, _nothing), crowd)),
            ("floor: iterate only", await _cost(lambda: _iterate(tokens), crowd)),
        ],
    )
    async with _server() as url, aiohttp.ClientSession() as session:
        client = ServiceClient(f"Endpoint={url};AccessKey={_KEY};Version=1.0;", "chat")
        async with client:
            send = partial(client.send_to_user, "ann", ANSWER_TARGET)
            rows = [
                ("with a store", await _cost(lambda: _stream(tokens, send, store), crowd)),
                ("without", await _cost(lambda: _stream(tokens, send), crowd)),
                (
                    "floor: bare requests",
                    await _cost(lambda: _iterate(tokens, partial(_post, session, url)), crowd),
                ),
            ]
    table(f"{crowd} answers of {tokens} tokens at once, pieces to the service", columns, rows)


async def _cost(way: Callable[[], Awaitable[None]], crowd: int) -> list[float]:
    gc.collect()
    seconds: list[float] = []

    async def timed() -> None:
        start = time.perf_counter()
        await way()
        seconds.append(time.perf_counter() - start)

    before = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(crowd):
            group.create_task(timed())
    used = time.process_time() - before
    return [used / crowd * 1000, statistics.median(seconds), max(seconds)]


async def _stream(tokens: int, send: Send, store: MemoryAnswerStore | None = None) -> None:
    async with stream_answer(send, store=store, owner="ann") as answer:
        async for token in model(tokens):
            await answer.write(token)


async def _iterate(tokens: int, post: Callable[[str], Awaitable[None]] | None = None) -> None:
    """Iterate; with ``post``, gather texts and send them every 100 ms, and do nothing else for them."""
    texts: list[str] = []
    due = 0.0
    async for token in model(tokens):
        if post is not None:
            texts.append(token)
            if (now := time.perf_counter()) >= due:
                due = now + 0.1
                await post("".join(texts))
                texts.clear()


async def _post(session: aiohttp.ClientSession, url: str, text: str) -> None:
    async with session.post(f"{url}/api/hubs/chat/users/ann/:send", json={"text": text}) as response:
        await response.read()


async def _nothing(_: dict[str, Any]) -> None:
    pass


async def _memory(tokens: int, crowd: int) -> None:
    store = MemoryAnswerStore(single_instance=True, max_bytes=16 * 1024)
    say("\nMemory of stored answers, bounded to pieces of 16 KB each and as much text again")
    gc.collect()
    tracemalloc.start()
    try:
        for factor in (1, 10, 100):
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(max(1, crowd // 10)):
                async with stream_answer(_nothing, store=store, owner="ann", max_piece=40) as answer:
                    for number in range(tokens * factor):
                        await answer.write(f"tok{number % 10} ")
                        if number % 6 == 0:
                            await asyncio.sleep(0)
            gc.collect()
            held = (tracemalloc.get_traced_memory()[0] - before) / max(1, crowd // 10)
            say(f"a stored answer of {tokens * factor:,} tokens holds {held / 1024:.0f} KB")
    finally:
        tracemalloc.stop()


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.answers"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{(await process.stdout.readline()).decode().strip()}"
    finally:
        process.terminate()
        await process.wait()


async def _serve() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(status=202)

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    say(str(runner.addresses[0][1]))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
