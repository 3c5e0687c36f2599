"""Load and its measurement: processes with their CPU time, counting clients, and requests sent again and again."""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from serverless_signalr._rest.tokens import sign_client_token, sign_server_token
from serverless_signalr.endpoint import Endpoint

__all__ = ["Counter", "Server", "counting", "posting", "send_request", "serving"]

_BENCH = Path(__file__).parent
_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
_TICKS = os.sysconf("SC_CLK_TCK")
_NO_KEY = b"AAAAAAAAAAAAAAAAAAAAAA=="

HANDSHAKE = '{"protocol":"%s","version":1}\x1e'


class Server:
    """A server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.pid = process.pid
        self.port = port

    @property
    def endpoint(self) -> Endpoint:
        """How an app reaches it, if it is an emulator."""
        return Endpoint.parse(f"Endpoint=http://localhost;Port={self.port};AccessKey={_KEY};Version=1.0;")

    @property
    def cpu(self) -> float:
        """The CPU time that it has used, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory(self) -> int:
        """The memory that it occupies, in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def serving(
    kind: str, option: str = "", *, uvloop: bool = False, root: Path = _BENCH.parent
) -> AsyncIterator[Server]:
    """Run a server of ``bench.servers``; ``root`` chooses the checkout whose emulator it is."""
    environment = {**os.environ, "PYTHONPATH": f"{root}", **({"BENCH_UVLOOP": "1"} if uvloop else {})}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(_BENCH / "servers.py"), kind, option),
        env=environment,
        cwd=root,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        yield Server(process, int(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class Counter:
    """Drive ``counter.c``: many WebSocket clients that count what they receive."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def say(self, command: str) -> None:
        """Send a command."""
        assert self._process.stdin
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()

    async def answer(self, word: str) -> int:
        """Return the number of the next line, which begins with a word."""
        assert self._process.stdout
        line = (await asyncio.wait_for(self._process.stdout.readline(), 120)).decode().split()
        if not line or line[0] != word:
            raise RuntimeError(f"the counter says {line}, expected {word}")
        return int(line[1]) if len(line) > 1 else 0

    async def expect(self, messages: int) -> None:
        """Count from zero up to a number; ``answer("counted")`` is when it was reached, in nanoseconds."""
        await self.say(f"count {messages}")
        await self.answer("counting")


@asynccontextmanager
async def counting(
    server: Server,
    connections: int,
    *,
    protocol: str | None = "json",
    negotiated: bool = False,
    at_once: int = 16,
) -> AsyncIterator[tuple[Counter, float]]:
    """Connect clients; yield what drives them and how long connecting took. No protocol is a bare WebSocket."""
    if shutil.which("cc") is None:
        raise RuntimeError("the load generator is written in C, and there is no compiler: install cc")
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder, "counter")
        compiler = await asyncio.create_subprocess_exec("cc", "-O2", "-o", binary, _BENCH / "counter.c")
        if await compiler.wait():
            raise RuntimeError("the load generator could not be compiled")
        token = sign_client_token(server.endpoint, "chat", lifetime=timedelta(hours=2))
        head = f"Host: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {token}\r\n"
        query = "hub=chat&id=TOKEN" if negotiated else "hub=chat"
        texts = {
            "negotiate": f"POST /client/negotiate?hub=chat&negotiateVersion=1 HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n"
            if negotiated
            else "",
            "upgrade": f"GET /client/?{query} HTTP/1.1\r\n{head}Connection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_NO_KEY.decode()}\r\n\r\n",
            "handshake": _masked(HANDSHAKE % protocol) if protocol else "",
        }
        for name, text in texts.items():
            Path(folder, name).write_bytes(text.encode("latin-1"))
        process = await asyncio.create_subprocess_exec(
            *(str(binary), str(server.port), str(connections), str(at_once)),
            *(str(Path(folder, name)) for name in texts),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            counter = Counter(process)
            yield counter, await counter.answer("ready") / 1e9
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def _masked(text: str) -> str:
    # A mask of zeros leaves the text as it is.
    return f"\x81{chr(0x80 | len(text))}\0\0\0\0{text}"


def send_request(server: Server, size: int, path: str = "") -> bytes:
    """Return the request that has the emulator broadcast a text of ``size`` characters."""
    path = f"/api/hubs/chat{path}/:send"
    token = sign_server_token(server.endpoint, server.endpoint.url + path, lifetime=timedelta(hours=2))
    body = f'{{"target":"m","arguments":["|{"x" * size}"]}}'
    return (
        f"POST {path}?api-version=2022-06-01 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer "
        f"{token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


@asynccontextmanager
async def posting(server: Server, request: bytes, senders: int) -> AsyncIterator["Posting"]:
    """Keep some connections open on which a request can be sent again and again."""
    streams = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(senders)]
    try:
        yield Posting(streams, request)
    finally:
        for _, writer in streams:
            writer.close()


class Posting:
    """Send a request, each sender waiting for its answer before the next."""

    def __init__(
        self, streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]], request: bytes
    ) -> None:
        self._streams = streams
        self._request = request

    async def send(self, times: int) -> None:
        """Send it so many times in all."""
        left = times

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal left
            while left > 0:
                left -= 1
                writer.write(self._request)
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 20"):
                    raise RuntimeError(head.decode())

        await asyncio.gather(*(one(*stream) for stream in self._streams))


def monotonic() -> int:
    """Return the time in nanoseconds, on the clock of the counting clients."""
    return time.monotonic_ns()
