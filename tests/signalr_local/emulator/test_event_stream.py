"""Server-Sent Events: what the stream is made of, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from signalr_local.emulator import UpstreamRule

type Start = Callable[..., Any]

HANDSHAKE = '{"protocol":"json","version":1}\x1e'
PATIENCE = 10.0


class Stream:
    """Read a stream of events, and send by POST."""

    def __init__(self, response: aiohttp.ClientResponse, poster: Any) -> None:
        self.response = response
        self.connection_id = poster.connection_id
        self.post = poster.post
        self.poster = poster
        self._frames: list[str] = []

    async def line(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.response.content.readline()

    async def data(self) -> str | None:
        """Return the data of the next event, None at the end."""
        lines: list[str] = []
        while line := await self.line():
            if line == b"\r\n":
                return "\n".join(lines)
            name, _, value = line.decode().removesuffix("\r\n").partition(": ")
            assert name == "data"
            lines.append(value)
        return None

    async def next(self) -> Any:
        """Return the next message, None at the end."""
        while not self._frames:
            data = await self.data()
            if data is None:
                return None
            *self._frames, rest = data.split("\x1e")
            assert rest == ""
        return json.loads(self._frames.pop(0))

    async def shake_hands(self) -> None:
        assert (await self.post(HANDSHAKE)).status == 200
        assert await self.next() == {}


type Open = Callable[..., Any]


@pytest.fixture
async def open_stream() -> AsyncIterator[Open]:
    """Open streams as a browser does: with the token in the query."""
    opened: list[Stream] = []
    async with aiohttp.ClientSession() as session:

        async def open_one(service: Any, user: str | None = None, **headers: str) -> Stream:
            poster = await service.poller(user)
            token = poster.headers["Authorization"].removeprefix("Bearer ")
            response = await session.get(
                f"{service.url}{poster.path}&access_token={token}",
                headers={"Accept": "text/event-stream", **headers},
            )
            stream = Stream(response, poster)
            opened.append(stream)
            assert response.status == 200
            assert await stream.line() == b":\r\n"
            return stream

        yield open_one
        for stream in opened:
            stream.response.close()


@pytest.fixture
async def stream(service_with_app: Any, open_stream: Open) -> Any:
    """Connect a client that reads events."""
    stream = await open_stream(service_with_app, "ann")
    await stream.shake_hands()
    return stream


async def test_a_stream_is_open_before_anything_is_sent(service: Any, open_stream: Open) -> None:
    stream = await open_stream(service, Origin="http://localhost:3000")
    headers = stream.response.headers
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Cache-Control"] == "no-cache, no-store"
    assert headers["Content-Encoding"] == "identity"
    assert headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert headers["Access-Control-Allow-Credentials"] == "true"


async def test_messages_are_events(service_with_app: Any, stream: Any) -> None:
    await service_with_app.send("/users/ann", "ü", 1)
    assert await stream.line() == 'data: {"type":1,"target":"m","arguments":["ü",1]}\x1e\r\n'.encode()
    assert await stream.line() == b"\r\n"


async def test_a_call_is_sent_to_the_app_and_answered(stream: Any, app: Any) -> None:
    assert (await app.next("connected")).headers["X-ASRS-User-Id"] == "ann"
    reply = await stream.post('{"type":1,"invocationId":"1","target":"echo","arguments":[[1]]}\x1e')
    assert (reply.status, reply.text) == (200, "")
    assert await stream.next() == {"type": 3, "invocationId": "1", "result": [1]}


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
async def test_line_breaks_in_an_answer_of_the_app_do_not_break_the_stream(
    stream: Any, app: Any, line_break: str
) -> None:
    app.answer("m", body=line_break.join(["{", '"type":3,', '"invocationId":"1"}']) + "\x1e")
    await stream.post('{"type":1,"invocationId":"1","target":"m","arguments":[]}\x1e')
    assert await stream.next() == {"type": 3, "invocationId": "1"}


async def test_messagepack_is_refused(service: Any, open_stream: Open) -> None:
    stream = await open_stream(service)
    await stream.post(HANDSHAKE.replace("json", "messagepack"))
    assert (await stream.next())["error"] == (
        "Cannot use the 'messagepack' protocol on the current transport. The transport does not support "
        "'Binary' transfer format."
    )
    assert await stream.next() is None


async def test_a_second_stream_is_409(service_with_app: Any, stream: Any) -> None:
    stream.poster.headers["Accept"] = "text/event-stream"
    reply = await stream.poster.poll()
    assert (reply.status, reply.text) == (409, "")
    await service_with_app.send("", "still here")
    assert (await stream.next())["arguments"] == ["still here"]


async def test_a_poll_cannot_join(stream: Any) -> None:
    reply = await stream.poster.poll()
    assert (reply.status, reply.text) == (400, "Cannot change transports mid-connection")


async def test_delete_does_not_end_a_stream(stream: Any) -> None:
    reply = await stream.poster.ask("DELETE")
    assert (reply.status, reply.text) == (400, "Cannot terminate this connection using the DELETE endpoint.")


async def test_a_client_that_leaves_has_left_at_once(service_with_app: Any, stream: Any, app: Any) -> None:
    await app.next("connected")
    stream.response.close()
    assert (await app.next("disconnected")).json() == {"Type": 11}
    while (reply := await stream.post("x")).status == 200:
        pass
    assert (reply.status, reply.text) == (404, "No Connection with that ID")


async def test_a_client_may_leave_before_its_handshake(service: Any, open_stream: Open) -> None:
    stream = await open_stream(service)
    stream.response.close()
    while (await stream.post("x")).status == 200:
        pass


async def test_a_connection_that_is_closed_ends_its_stream(
    service_with_app: Any, stream: Any, app: Any
) -> None:
    await app.next("connected")
    await service_with_app.rest("DELETE", f"/connections/{stream.connection_id}", "reason=enough")
    assert await stream.next() == {"type": 7, "error": "enough", "allowReconnect": True}
    assert await stream.next() is None
    await app.next("disconnected")


async def test_stop_sends_clients_of_streams_away(service_with_app: Any, stream: Any, app: Any) -> None:
    await app.next("connected")
    stopping = asyncio.create_task(service_with_app.emulator.stop())
    assert await stream.next() == {"type": 7, "allowReconnect": True}
    assert await stream.next() is None
    await stopping
    await app.next("disconnected")


async def test_a_client_that_hears_nothing_else_is_pinged(start: Start, open_stream: Open) -> None:
    service = await start(ping=0.02)
    stream = await open_stream(service)
    await stream.shake_hands()
    assert await stream.next() == {"type": 6}


async def test_a_silent_client_is_closed(start: Start, open_stream: Open) -> None:
    service = await start(client_timeout=0.05)
    stream = await open_stream(service)
    await stream.shake_hands()
    await stream.post('{"type":6}\x1e')
    assert (await stream.next())["type"] == 7
    assert await stream.next() is None


async def test_a_client_that_sends_no_handshake_is_sent_away(start: Start, open_stream: Open) -> None:
    service = await start(handshake=0.02)
    stream = await open_stream(service)
    assert await stream.next() == {"error": "Handshake was canceled."}
    assert await stream.next() is None


async def test_a_client_that_does_not_read_is_cut_off(start: Start, open_stream: Open, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], send_buffer=1024 * 1024)
    stream = await open_stream(service)
    await stream.shake_hands()
    await app.next("connected")
    while app.events.empty():
        await service.send("", "x" * 900_000)
    assert (await app.next("disconnected")).json() == {"Type": 11, "Error": "The client reads too slowly."}
