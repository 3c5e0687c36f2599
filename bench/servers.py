"""The servers that are measured, each in a process of its own: ``python bench/servers.py KIND [OPTION]``.

``emulator`` is the emulator alone; its option is the URL of its upstream. ``runtime`` is the emulator with an
app behind it, on the host; its option is the app's folder. ``inspected`` and ``inspected-runtime`` have an
inspector too, whose token is ``bench``. ``raw`` is the floor: an asyncio protocol that writes one frame, made
beforehand, to each connection; its option is the size of the text in it.
``websockets`` and ``socketio`` do the same with the broadcasts of websockets and python-socketio.
``upstream`` answers each event as a function app does. All print their port once they listen. With
``BENCH_UVLOOP`` set they run on uvloop.
"""

import asyncio
import base64
import gc
import hashlib
import http
import importlib
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signalr_local.host.console import LevelFilter

FRAME_TEXT = '{"type":1,"target":"m","arguments":["|%s"]}\x1e'
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class _Raw(asyncio.Protocol):
    """Upgrade on GET; on POST write the frame to everybody, or many at once under ``/flood``."""

    sockets: set[asyncio.WriteTransport] = set()  # noqa: RUF012 - one server a process
    frame = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        if self.transport in self.sockets:
            return
        self.data += data
        head, end, rest = self.data.partition(b"\r\n\r\n")
        if not end:
            return
        if head.startswith(b"GET"):
            found = re.search(rb"(?i)sec-websocket-key: (\S+)", head)
            assert found
            accept = base64.b64encode(hashlib.sha1(found[1] + _GUID).digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            self.sockets.add(self.transport)
            return
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length and len(rest) < int(length[1]):
            return
        self.data = b""
        data = self.frame * 400 if b"/flood" in head[:20] else self.frame
        for socket in self.sockets:
            socket.write(data)
        self.transport.write(_ACCEPTED)

    def connection_lost(self, _: Exception | None) -> None:
        self.sockets.discard(self.transport)


async def _raw(size: str) -> int:
    text = (FRAME_TEXT % ("x" * int(size))).encode()
    _Raw.frame = bytes((0x81, 126)) + len(text).to_bytes(2) + text
    server = await asyncio.get_running_loop().create_server(_Raw, "127.0.0.1", 0, backlog=1024)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def _websockets(size: str) -> int:
    from websockets.asyncio.server import ServerConnection, broadcast, serve
    from websockets.http11 import Request, Response

    text = FRAME_TEXT % ("x" * int(size))
    connections: set[ServerConnection] = set()

    def send(connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/send":
            return None
        broadcast(connections, text)
        return connection.respond(http.HTTPStatus.ACCEPTED, "")

    async def hold(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.wait_closed()

    server = await serve(
        hold, "127.0.0.1", 0, compression=None, ping_interval=None, process_request=send, backlog=1024
    )
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


async def _socketio(size: str) -> int:
    import socketio
    import uvicorn

    text = "|" + "x" * int(size)
    # The clients of bench/ answer no pings.
    server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"], ping_interval=600)

    async def send(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], answer: Any) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        await server.emit("m", text)
        await answer({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await answer({"type": "http.response.body"})

    config = uvicorn.Config(
        socketio.ASGIApp(server, send), port=0, log_level="error", ws_per_message_deflate=False, backlog=1024
    )
    web = uvicorn.Server(config)
    config.load()
    web.lifespan = config.lifespan_class(config)
    await web.startup()
    port: int = web.servers[0].sockets[0].getsockname()[1]
    return port


async def _emulator(url: str) -> int:
    from signalr_local.emulator import Emulator, UpstreamRule

    emulator = Emulator([UpstreamRule(url)] if url else [])
    await emulator.start(port=0)
    return emulator.port


async def _inspected(url: str) -> int:
    from signalr_local.emulator import Emulator, UpstreamRule

    emulator = Emulator([UpstreamRule(url)] if url else [])
    _inspect(emulator)
    await emulator.start(port=0)
    return emulator.port


async def _runtime(folder: str) -> int:
    from signalr_local.emulator import Emulator

    return await _run(Emulator(), folder)


async def _inspected_runtime(folder: str) -> int:
    from signalr_local.emulator import Emulator

    return await _run(Emulator(), folder, is_inspected=True)


def _inspect(emulator: Any, levels: "LevelFilter | None" = None) -> None:
    from signalr_local.inspector.endpoint import Inspector
    from signalr_local.inspector.host_events import HostEvents
    from signalr_local.inspector.journal import Journal

    journal = Journal()
    Inspector(emulator, journal).token = "bench"
    logging.getLogger("signalr_local").addHandler(HostEvents(journal, levels))


async def _run(emulator: Any, folder: str, *, is_inspected: bool = False) -> int:
    """Run the app in a folder behind an emulator, its log going nowhere."""
    from signalr_local.emulator import UpstreamRule
    from signalr_local.host import console
    from signalr_local.host.host import FunctionsHost

    levels = console.install(Path(os.devnull).open("w"))  # noqa: ASYNC230, SIM115
    if is_inspected:
        _inspect(emulator, levels)
    await emulator.start(port=0)
    settings = {"AzureSignalRConnectionString": emulator.connection_string}
    host = FunctionsHost(Path(folder), adjust=lambda values: {**values, **settings}, levels=levels)
    host.bind(port=0)
    await host.start()
    emulator.upstream = [UpstreamRule(f"http://127.0.0.1:{host.port}/runtime/webhooks/signalr")]
    port: int = emulator.port
    return port


class _Upstream(asyncio.Protocol):
    """Answer each event at once: a call with its completion, anything else with nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        while True:
            head, end, rest = self.data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            size = int(length[1]) if length else 0
            if not end or len(rest) < size:
                return
            body, self.data = rest[:size], rest[size:]
            message = json.loads(body)
            answer = b""
            if message.get("invocationId"):
                completion = {
                    "type": 3,
                    "invocationId": message["invocationId"],
                    "result": message["arguments"][0],
                }
                answer = json.dumps(completion).encode() + b"\x1e"
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % len(answer)
                + answer
            )


async def _upstream(_: str) -> int:
    server = await asyncio.get_running_loop().create_server(_Upstream, "127.0.0.1", 0, backlog=1024)
    port: int = server.sockets[0].getsockname()[1]
    return port


_KINDS: dict[str, Callable[[str], Awaitable[int]]] = {
    "raw": _raw,
    "websockets": _websockets,
    "socketio": _socketio,
    "emulator": _emulator,
    "inspected": _inspected,
    "runtime": _runtime,
    "inspected-runtime": _inspected_runtime,
    "upstream": _upstream,
}


async def _serve(kind: str, option: str) -> None:
    port = await _KINDS[kind](option)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    gc.freeze()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    os._exit(0)


def main() -> None:
    """Serve until the process is terminated."""
    kind, option = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    if os.environ.get("BENCH_UVLOOP"):
        importlib.import_module("uvloop").run(_serve(kind, option))
    else:
        asyncio.run(_serve(kind, option))


if __name__ == "__main__":
    main()
