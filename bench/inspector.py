"""What the inspector costs: without one, with one that nobody looks at, and with one that is looked at.

The CPU time of the processes, since rates depend on what else the machine does. The subjects run beside each
other and take turns, many short ones: what the machine does meanwhile concerns all of them alike. All of that
is done several times, with new processes, since two processes of the same program differ by some per cent.
The floor is there twice: by how much the two differ is noise.
"""

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp

from bench.calls import measure_calls
from bench.counter import counting
from bench.figures import say
from bench.load import Server, posting, send_request, serving

__all__ = ["main"]

_SIZE = 93
_FLOOR = "floor: without"
_SUBJECTS = (
    ("with an inspector that is looked at", True, True),
    ("with an inspector", True, False),
    ("floor: without, once more", False, False),
    (_FLOOR, False, False),
)
_APP = """
from serverless_signalr import FunctionApp, ServerlessHub

app = FunctionApp()


class Chat(ServerlessHub, hub="chat"):
    async def echo(self, text: str) -> str:
        return text


app.register_functions(Chat().blueprint)
"""

type _Figures = dict[str, list[float]]


async def main(
    connections: int = 200, broadcasts: int = 100, calls: int = 320, turns: int = 12, runs: int = 4
) -> None:
    """Measure and print."""

    async def invoke(server: Server) -> float:
        return (await measure_calls(server, 16, calls))[3]

    async def calls_of(kind: str, option: str) -> _Figures:
        async with _subjects(kind, option) as subjects:
            return await _take_turns(subjects, invoke, turns)

    fan_out = partial(_fan_out, connections, broadcasts, turns)
    await _compare(f"Fan-out to {connections}", "CPU us a delivery", fan_out, runs)
    async with serving("upstream") as upstream:
        url = f"http://127.0.0.1:{upstream.port}/runtime/webhooks/signalr"
        await _compare("Calls, the emulator alone", "CPU us a call", partial(calls_of, "emulator", url), runs)
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(Path(folder, "function_app.py").write_text, _APP)
        whole = partial(calls_of, "runtime", folder)
        await _compare("Calls, emulator, host and worker", "CPU us a call", whole, runs)


async def _compare(title: str, unit: str, measure: Callable[[], Awaitable[_Figures]], runs: int) -> None:
    found = [await measure() for _ in range(runs)]
    say(f"\n{title:40}{unit:>20}{'ratio':>8}")
    medians = {name: statistics.median(one for run in found for one in run[name]) for name in found[0]}
    for name, median in medians.items():
        say(f"{name:40}{median:20.2f}{median / (medians[_FLOOR] or 1):8.3f}")


async def _fan_out(connections: int, broadcasts: int, turns: int) -> _Figures:
    async with _subjects("emulator", "") as subjects, AsyncExitStack() as stack:
        tools = {
            server: (
                await stack.enter_async_context(counting(server, connections)),
                await stack.enter_async_context(posting(server, send_request(server, _SIZE), 4)),
            )
            for server in subjects.values()
        }

        async def broadcast(server: Server) -> float:
            counter, posts = tools[server]
            await counter.expect(connections * broadcasts)
            cpu = server.cpu
            await posts.send(broadcasts)
            await counter.answer("counted")
            return (server.cpu - cpu) / connections / broadcasts * 1e6

        return await _take_turns(subjects, broadcast, turns)


@asynccontextmanager
async def _subjects(kind: str, option: str) -> AsyncIterator[dict[str, Server]]:
    """Run one server for each subject."""
    inspected = {"emulator": "inspected", "runtime": "inspected-runtime"}[kind]
    async with AsyncExitStack() as stack:
        servers = {}
        for name, is_inspected, is_watched in _SUBJECTS:
            server = await stack.enter_async_context(serving(inspected if is_inspected else kind, option))
            if is_watched:
                await stack.enter_async_context(_watching(server))
            servers[name] = server
        yield servers


async def _take_turns(
    subjects: dict[str, Server], measure: Callable[[Server], Awaitable[float]], turns: int
) -> _Figures:
    found: _Figures = {name: [] for name in subjects}
    names = list(subjects)
    for turn in range(turns + 1):
        # Whoever comes first finds the machine as the last one left it.
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(await measure(subjects[name]))
    # In the first turn, code is compiled and memory taken.
    return {name: values[1:] for name, values in found.items()}


@asynccontextmanager
async def _watching(server: Server) -> AsyncIterator[None]:
    """Follow the events as the page does."""
    url = f"http://127.0.0.1:{server.port}/_inspect/events?follow=true&burst=500&token=bench"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        reading = asyncio.create_task(_read(response))
        yield
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(response: aiohttp.ClientResponse) -> None:
    async for _ in response.content.iter_any():
        pass


if __name__ == "__main__":
    asyncio.run(main())
