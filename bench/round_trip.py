"""The round trip of a message: client, service, function, service, client."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import aiohttp

from bench.figures import percentile, say, table
from bench.stack import running_app, running_floor, running_process_floor
from serverless_signalr.protocol import handshake, json_protocol
from serverless_signalr.protocol.handshake import HandshakeRequest
from serverless_signalr.protocol.messages import Completion, HubMessage, Invocation

_WARM_UP = 200
_SAMPLES = 2000


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


async def main() -> None:
    """Measure and print."""
    say(f"Round trips: {_SAMPLES:,} of each, one after the other, 32 bytes of text.")
    text = "x" * 32
    async with aiohttp.ClientSession() as session:
        async with running_app() as app:
            client = await _Client.connect(session, app.api)
            came = await client.next(lambda m: isinstance(m, Invocation) and m.target == "newConnection")
            assert isinstance(came, Invocation)
            own = came.arguments[0]["connectionId"]  # type: ignore[index]

            async def echo() -> None:
                await client.send(json_protocol.encode(Invocation("echo", [text], "1")))
                await client.next(lambda message: isinstance(message, Completion))

            async def message() -> None:
                await client.send(json_protocol.encode(Invocation("sendToConnection", [own, text])))
                await client.next(lambda message: isinstance(message, Invocation))

            echoed, sent = await _time(echo), await _time(message)
        async with running_floor() as base, session.ws_connect(f"{base}/ws") as socket:

            async def bare() -> None:
                await socket.send_str(json.dumps({"target": "sendToConnection", "arguments": ["id", text]}))
                await socket.receive_str()

            floor = await _time(bare)
        async with (
            running_process_floor("") as upstream,
            running_floor(upstream) as base,
            session.ws_connect(f"{base}/echo") as socket,
        ):

            async def through() -> None:
                await socket.send_str(json.dumps({"target": "echo", "arguments": [text]}))
                await socket.receive_bytes()

            crossing = await _time(through)
    table(
        "Round trip, milliseconds",
        ["p50", "p99"],
        [
            ("invoke echo, its completion", _figures(echoed)),
            ("message to the own connection", _figures(sent)),
            ("echo across a process, aiohttp", _figures(crossing)),
            ("floor: bare aiohttp, same hops", _figures(floor)),
        ],
    )


async def _time(action: Callable[[], Awaitable[None]]) -> list[float]:
    for _ in range(_WARM_UP):
        await action()
    samples = []
    for _ in range(_SAMPLES):
        start = time.perf_counter()
        await action()
        samples.append(time.perf_counter() - start)
    return samples


def _figures(samples: list[float]) -> list[float]:
    return [percentile(samples, 50), percentile(samples, 99)]


if __name__ == "__main__":
    asyncio.run(main())
