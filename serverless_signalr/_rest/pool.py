"""The socket pools: one per event loop, shared by all clients in it.

A pool is closed by the last client that is closed, or else at the end of the loop: ``asyncio.run`` and its
equivalents close the remaining asynchronous generators, and one of these holds the pool. Pools that are
left when the interpreter exits are closed then.

Like serverless_signalr._rest.pipeline, only the call that needs this module imports it.
"""

import asyncio
import atexit
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

import aiohttp
from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import AsyncRetryPolicy
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport

from serverless_signalr._hosts import LOCAL_HOSTS

__all__ = ["Pool", "PoolTransport", "PromptRetryPolicy", "close_pools", "leave_pool", "proxy", "running_pool"]

_IDLE = 30.0
"""Seconds until an idle socket is closed, well before the service or a gateway closes it: a send over a
socket that was just closed cannot be retried."""


_CONNECT_TIMEOUT = 3.0
_READ_TIMEOUT = 10.0

_LONGEST_WAIT = 5.0
"""Seconds. A longer Retry-After is not waited for, since callers are waiting for the token or secret."""


@dataclass(slots=True)
class Pool:
    """The session of one event loop, and the state that each of its users keeps in it."""

    session: aiohttp.ClientSession
    keeper: AsyncGenerator[None]
    users: WeakKeyDictionary[Any, Any] = field(default_factory=WeakKeyDictionary)


_pools: dict[asyncio.AbstractEventLoop, Pool] = {}


async def running_pool() -> Pool:
    """Return the pool of the running loop, opened if necessary. Callers must not close its session."""
    return _pools.get(asyncio.get_running_loop()) or await _open()


async def leave_pool(user: object) -> None:
    """Remove a user from the running loop's pool, and close the pool if it was the last one."""
    pool = _pools.get(asyncio.get_running_loop())
    if pool is not None and pool.users.pop(user, None) is not None and not pool.users:
        await pool.keeper.aclose()


def proxy(url: str) -> str | None:
    """Return the proxy that the environment sets for an address, or None for a local one.

    aiohttp would look up the proxy and .netrc in another thread for each request.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOCAL_HOSTS or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)


async def _open() -> Pool:
    for closed in [loop for loop in _pools if loop.is_closed()]:
        _close(closed)
    loop = asyncio.get_running_loop()
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(keepalive_timeout=_IDLE), cookie_jar=aiohttp.DummyCookieJar()
    )
    # Callers decide about retries, so aiohttp's own are off.
    session._retry_connection = False
    pool = _pools[loop] = Pool(session, _keep(loop, session))
    await anext(pool.keeper)
    return pool


async def _keep(loop: asyncio.AbstractEventLoop, session: aiohttp.ClientSession) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        _pools.pop(loop, None)
        await session.close()


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Close the pool of a loop that is closed, stopped, or running in another thread."""

    async def close(keeper: AsyncGenerator[None]) -> None:
        await keeper.aclose()

    closing = close(_pools[loop].keeper)
    if loop.is_running():
        asyncio.run_coroutine_threadsafe(closing, loop).result(1)
    elif not loop.is_closed():
        loop.run_until_complete(closing)
    else:
        # A closed loop has nothing left to wait for, so the coroutine runs to its end in one step.
        with suppress(StopIteration):
            closing.send(None)


@atexit.register
def close_pools() -> None:
    """Close the pools of all event loops except the running one."""
    here = asyncio._get_running_loop()
    for loop in [loop for loop in _pools if loop is not here]:
        with suppress(Exception):
            _close(loop)


class PoolTransport(AsyncHttpTransport[Any, Any]):
    """An azure-core transport that uses the pool of the running event loop, and owns nothing.

    A credential or a client with this transport need not be closed: the pool is closed with its loop.
    """

    async def open(self) -> None:
        """Do nothing: the pool opens itself."""

    async def close(self) -> None:
        """Do nothing: the pool has other users."""

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request and return the response."""
        transport = AioHttpTransport(
            session=(await running_pool()).session,
            session_owner=False,
            connection_timeout=_CONNECT_TIMEOUT,
            read_timeout=_READ_TIMEOUT,
        )
        if through := proxy(request.url):
            options.setdefault("proxy", through)
        return await transport.send(request, **options)


class PromptRetryPolicy(AsyncRetryPolicy[Any, Any]):
    """azure-core's retry policy, except for responses that ask for a long pause."""

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Tell whether to send the request again."""
        asked = self.get_retry_after(response)
        return (asked is None or asked <= _LONGEST_WAIT) and super().is_retry(settings, response)
