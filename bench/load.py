"""Servers in processes of their own, with their CPU time and memory, and requests sent to them."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from serverless_signalr._rest.tokens import sign_server_token
from serverless_signalr.endpoint import Endpoint

__all__ = ["BENCH", "PEERS", "Posting", "Server", "monotonic", "posting", "send_request", "serving"]

BENCH = Path(__file__).parent
PEERS = BENCH / "peers"
"""Servers on Node.js; ``make bench`` installs what they need."""
_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"


class Server:
    """A server in a process of its own. What it has used is known on Linux only."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port

    @property
    def endpoint(self) -> Endpoint:
        """How an app reaches it, if it is an emulator."""
        return Endpoint.parse(f"Endpoint=http://localhost;Port={self.port};AccessKey={_KEY};Version=1.0;")

    @property
    def cpu(self) -> float:
        """The CPU time that it and the processes that it has started have used, in seconds."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(_cpu(pid) for pid in (self.pid, *map(int, children)))

    @property
    def memory(self) -> int:
        """The memory that it occupies, in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def serving(
    kind: str, option: str = "", *, uvloop: bool = False, root: str = ""
) -> AsyncIterator[Server]:
    """Run a server of ``bench/servers.py``; ``root`` is another checkout whose emulator is to be measured."""
    command = [sys.executable, str(BENCH / "servers.py"), kind, option]
    if kind.endswith(".mjs"):
        command = ["node", str(PEERS / kind), option]
    environment = {
        **os.environ,
        "PYTHONPATH": root or str(BENCH.parent),
        "BENCH_UVLOOP": "1" if uvloop else "",
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        yield Server(process.pid, int(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def send_request(server: Server, size: int) -> bytes:
    """Return the request that has the emulator send everybody a text of ``size`` characters."""
    path = "/api/hubs/chat/:send"
    token = sign_server_token(server.endpoint, server.endpoint.url + path, lifetime=timedelta(hours=2))
    body = f'{{"target":"m","arguments":["|{"x" * size}"]}}'
    head = (
        f"POST {path}?api-version=2022-06-01 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


class Posting:
    """Send one request again and again, each sender waiting for its answer before the next."""

    def __init__(self, port: int, request: bytes, senders: int) -> None:
        self._port = port
        self._request = request
        self._streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = [None] * senders

    async def send(self, times: int) -> None:
        """Send it so many times in all."""
        left = times

        async def one(sender: int) -> None:
            nonlocal left
            while left > 0:
                left -= 1
                stream = self._streams[sender]
                if stream is None:
                    stream = await asyncio.open_connection("127.0.0.1", self._port)
                    self._streams[sender] = stream
                stream[1].write(self._request)
                head = await stream[0].readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 20"):
                    raise RuntimeError(head.decode())
                if b"Connection: close" in head:
                    await _hang_up(stream[1])
                    self._streams[sender] = None

        await asyncio.gather(*(one(sender) for sender in range(len(self._streams))))

    async def close(self) -> None:
        """Hang up."""
        for stream in self._streams:
            if stream is not None:
                await _hang_up(stream[1])


@asynccontextmanager
async def posting(server: Server, request: bytes, senders: int) -> AsyncIterator[Posting]:
    """Send a request on a number of connections."""
    posts = Posting(server.port, request, senders)
    try:
        yield posts
    finally:
        await posts.close()


def _cpu(pid: int) -> float:
    # The clock of another process, see clock_getcpuclockid(3): /proc counts in hundredths of a second.
    return time.clock_gettime((~pid << 3) | 2)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


def monotonic() -> int:
    """Return the time in nanoseconds, on the clock of the counting clients."""
    return time.monotonic_ns()
