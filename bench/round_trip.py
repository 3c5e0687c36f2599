"""The round trip of a message: client, service, function, service, client."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp

from bench.figures import percentile, say, table
from bench.stack import running_app, running_floor, running_process_floor
from serverless_signalr.protocol import handshake, json_protocol
from serverless_signalr.protocol.handshake import HandshakeRequest
from serverless_signalr.protocol.messages import Completion, HubMessage, Invocation

_SAMPLES = 2000
_TURNS = 10
_TEXT = "x" * 32

type _Action = Callable[[], Awaitable[object]]
type _Rows = dict[str, _Action]


class _Client:
    """Speak the hub protocol with nothing between the measurement and the socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._frames: list[str] = []

    @classmethod
    async def connect(cls, session: aiohttp.ClientSession, api: str) -> "_Client":
        async with session.post(f"{api}/negotiate?user=bench") as response:
            info = await response.json()
        url = info["url"].replace("http://", "ws://") + f"&access_token={info['accessToken']}"
        client = cls(await session.ws_connect(url))
        await client.send(handshake.encode_request(HandshakeRequest("json", 1)))
        await client._frame()
        return client

    async def send(self, frame: str) -> None:
        await self._socket.send_str(frame)

    async def next(self, wanted: Callable[[HubMessage], bool]) -> HubMessage:
        while True:
            message = json_protocol.parse(await self._frame())
            if message is not None and wanted(message):
                return message

    async def _frame(self) -> str:
        while not self._frames:
            text = await self._socket.receive_str()
            self._frames = text.split(json_protocol.RECORD_SEPARATOR)[:-1]
        return self._frames.pop(0)


async def main(samples: int = _SAMPLES) -> None:
    """Measure and print: all subjects run at once, and take turns."""
    say(f"Round trips: {samples:,} of each, one after the other, 32 bytes of text.")
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        app = await stack.enter_async_context(running_app())
        client = await _Client.connect(session, app.api)
        calls, messages = await _of_app(client)
        upstreams = {"aiohttp, one process": ""}
        for name, folder in (
            ("aiohttp, pipe, worker library", str(app.folder)),
            ("floor: aiohttp, pipe, child", ""),
        ):
            upstreams[name] = await stack.enter_async_context(running_process_floor(folder, "echo"))
        for name, upstream in upstreams.items():
            base = await stack.enter_async_context(running_floor(upstream))
            for path, rows in (("echo", calls), ("message", messages)):
                rows[name] = _through(await stack.enter_async_context(session.ws_connect(f"{base}/{path}")))
        for title, rows in (("A call", calls), ("A message to oneself", messages)):
            times = await _time(rows, samples)
            table(
                f"{title}: round trip, milliseconds",
                ["p50", "p99"],
                [(name, [percentile(times[name], 50), percentile(times[name], 99)]) for name in rows],
            )


async def _of_app(client: _Client) -> tuple[_Rows, _Rows]:
    came = await client.next(lambda m: isinstance(m, Invocation) and m.target == "newConnection")
    assert isinstance(came, Invocation)
    own = str(came.arguments[0]["connectionId"])  # type: ignore[index]

    async def echo() -> None:
        await client.send(json_protocol.encode(Invocation("echo", [_TEXT], "1")))
        await client.next(lambda message: isinstance(message, Completion))

    async def message(target: str, *arguments: str) -> None:
        await client.send(json_protocol.encode(Invocation(target, [*arguments, _TEXT])))
        await client.next(lambda message: isinstance(message, Invocation))

    return {"invoke echo, its completion": echo}, {
        "broadcast": lambda: message("broadcast"),
        # The function asks the service whether there is such a connection.
        "sendToConnection, which asks": lambda: message("sendToConnection", own),
    }


def _through(socket: aiohttp.ClientWebSocketResponse) -> _Action:
    text = json.dumps({"target": "echo", "arguments": [_TEXT]})

    async def through() -> None:
        await socket.send_str(text)
        await socket.receive()

    return through


async def _time(rows: _Rows, samples: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(_TURNS):
        for name, action in rows.items():
            for _ in range(samples // _TURNS // 10):
                await action()
            for _ in range(samples // _TURNS):
                start = time.perf_counter()
                await action()
                times[name].append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    asyncio.run(main())
