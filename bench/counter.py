"""Many WebSocket clients that count what they receive: ``counter.c`` in a process of its own."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from bench.load import BENCH, Server
from serverless_signalr._rest.tokens import sign_client_token

__all__ = ["SOCKET_IO", "Counter", "counting"]

SOCKET_IO = "socket.io"
"""The protocol of a peer; the others are those of SignalR."""

_KEY = "AAAAAAAAAAAAAAAAAAAAAA=="


class Counter:
    """Tell the clients what to do, and read what they say."""

    def __init__(self, process: asyncio.subprocess.Process, connected: float) -> None:
        self._process = process
        self.connected = connected
        """How long it took to connect all of them, in seconds."""

    @classmethod
    async def of(cls, process: asyncio.subprocess.Process) -> "Counter":
        """Wait until the clients of a process are connected."""
        counter = cls(process, 0)
        counter.connected = await counter.answer("ready") / 1e9
        return counter

    async def say(self, command: str) -> None:
        """Send a command."""
        assert self._process.stdin
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()

    async def answer(self, word: str) -> int:
        """Return the number in the next line, which must begin with a word."""
        assert self._process.stdout
        async with asyncio.timeout(120):
            line = (await self._process.stdout.readline()).decode().split()
        if not line or line[0] != word:
            raise RuntimeError(f"the counting clients say {' '.join(line)!r}, expected {word!r}")
        return int(line[1]) if len(line) > 1 else 0

    async def expect(self, messages: int) -> None:
        """Count from zero. ``answer("counted")`` is when so many messages had come, in nanoseconds."""
        await self.say(f"count {messages}")
        await self.answer("counting")

    async def reconnect(self) -> float:
        """Cut all clients off and connect them anew; return how long that took, in seconds."""
        await self.say("drop")
        return await self.answer("ready") / 1e9

    async def lost(self) -> int:
        """Return how many connections the server has ended."""
        await self.say("lost")
        return await self.answer("lost")


@asynccontextmanager
async def counting(
    server: Server,
    connections: int,
    *,
    protocol: str | None = "json",
    negotiated: bool = False,
    at_once: int = 16,
) -> AsyncIterator[Counter]:
    """Connect clients, ``at_once`` at a time. Without a protocol they only open a WebSocket."""
    if shutil.which("cc") is None:
        raise RuntimeError("the counting clients are written in C, and there is no compiler: install cc")
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder, "counter")
        compiler = await asyncio.create_subprocess_exec("cc", "-O2", "-o", binary, BENCH / "counter.c")
        if await compiler.wait():
            raise RuntimeError("the counting clients could not be compiled")
        files = _requests(folder, server, protocol, negotiated=negotiated)
        process = await asyncio.create_subprocess_exec(
            *(str(binary), str(server.port), str(connections), str(at_once), *files),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield await Counter.of(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def _requests(folder: str, server: Server, protocol: str | None, *, negotiated: bool) -> list[str]:
    token = sign_client_token(server.endpoint, "chat", lifetime=timedelta(hours=2))
    head = f"Host: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {token}\r\n"
    path = "/client/?hub=chat&id=TOKEN" if negotiated else "/client/?hub=chat"
    handshake, accepted = f'{{"protocol":"{protocol}","version":1}}\x1e', "{}\x1e"
    if protocol == SOCKET_IO:
        path, handshake, accepted = "/socket.io/?EIO=4&transport=websocket", "40", '40{"sid"'
    negotiate = (
        f"POST /client/negotiate?hub=chat&negotiateVersion=1 HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n"
    )
    upgrade = (
        f"GET {path} HTTP/1.1\r\n{head}Connection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n\r\n"
    )
    texts = (negotiate if negotiated else "", upgrade, _masked(handshake) if protocol else "", accepted)
    files = []
    for number, text in enumerate(texts):
        file = Path(folder, str(number))
        file.write_bytes(text.encode("latin-1"))
        files.append(str(file))
    return files


def _masked(text: str) -> str:
    # A mask of zeros leaves the text as it is.
    return f"\x81{chr(0x80 | len(text))}\0\0\0\0{text}"
