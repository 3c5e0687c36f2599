"""1,000 connections refresh their authentication at once, beside as many sends to one connection each.

Both are requests of the same ServiceClient to an emulator in a process of its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import aiohttp

from bench.figures import table
from bench.load import Server, serving
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.rest import ServiceClient

__all__ = ["main"]

_HANDSHAKE = '{"protocol":"json","version":1}\x1e'
_TOGETHER = 50
"""How many clients connect at a time."""


async def main(clients: int = 1000, rounds: int = 3) -> None:
    """Measure and print."""
    async with (
        serving("emulator") as server,
        _connected(server, clients) as ids,
        ServiceClient(server.endpoint, "chat") as service,
    ):

        async def refresh(number: int) -> None:
            token = ids[number][0]
            await service.refresh_authentication(
                token, user_id=f"user{number}", claims={"role": "author"}, lifetime=timedelta(minutes=10)
            )

        async def send(number: int) -> None:
            await service.send_to_connection(ids[number][1], "m", "hello")

        rows = []
        for name, run in (("refreshes", refresh), ("floor: sends", send)):
            best = min([await _measure(run, server, clients) for _ in range(rounds)])
            rows.append((name, best))
    table(
        f"{clients:,} connections, all at once",
        ["seconds", "app CPU us", "emulator us"],
        rows,
    )


async def _measure(
    run: Callable[[int], Awaitable[None]], server: Server, clients: int
) -> tuple[float, float, float]:
    """Return the seconds that all take, and the processor time of each, in both processes."""
    began, cpu, service_cpu = time.perf_counter(), time.process_time(), server.cpu
    await asyncio.gather(*(run(number) for number in range(clients)))
    each = 1e6 / clients
    seconds = time.perf_counter() - began
    return seconds, (time.process_time() - cpu) * each, (server.cpu - service_cpu) * each


@asynccontextmanager
async def _connected(server: Server, clients: int) -> AsyncIterator[list[tuple[str, str]]]:
    """Connect clients, and return the token and the id of each connection."""
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

        async def one(number: int) -> tuple[str, str]:
            user = f"user{number}"
            url = f"{server.endpoint.client_url}/client"
            token = sign_client_token(server.endpoint, "chat", user_id=user)
            headers = {"Authorization": f"Bearer {token}"}
            async with session.post(f"{url}/negotiate?hub=chat&negotiateVersion=1", headers=headers) as reply:
                answer = await reply.json()
            socket = await session.ws_connect(
                f"{url}/?hub=chat&id={answer['connectionToken']}", headers=headers
            )
            stack.push_async_callback(socket.close)
            await socket.send_str(_HANDSHAKE)
            await socket.receive()
            return answer["connectionToken"], answer["connectionId"]

        found: list[tuple[str, str]] = []
        for first in range(0, clients, _TOGETHER):
            numbers = range(first, min(first + _TOGETHER, clients))
            found += await asyncio.gather(*(one(number) for number in numbers))
        yield found


if __name__ == "__main__":
    asyncio.run(main())
