"""The connections to the network: one pool for each event loop, which all clients in it share.

The last client that is closed closes the pool, or else the end of the loop: ``asyncio.run``, and everything
like it, closes asynchronous generators that are left, and one of them keeps the pool. What is left when the
interpreter exits is closed then.

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

from serverless_signalr._rest.operations import LOCAL_HOSTS

__all__ = ["Pool", "leave_pool", "proxy", "running_pool"]

_IDLE = 30.0
"""Seconds until an idle connection is closed, well before the service or a gateway does it: a send that meets
a connection which was just closed cannot be repeated."""


@dataclass(slots=True)
class Pool:
    """Hold the session of one event loop, and for each who uses it what that keeps here."""

    session: aiohttp.ClientSession
    keeper: AsyncGenerator[None]
    users: WeakKeyDictionary[Any, Any] = field(default_factory=WeakKeyDictionary)


_pools: dict[asyncio.AbstractEventLoop, Pool] = {}


async def running_pool() -> Pool:
    """Return the pool of the running loop, opened if there is none. Do not close its session."""
    return _pools.get(asyncio.get_running_loop()) or await _open()


async def leave_pool(user: object) -> None:
    """Take out who uses the running loop's pool, and close it if nobody else does."""
    pool = _pools.get(asyncio.get_running_loop())
    if pool is not None and pool.users.pop(user, None) is not None and not pool.users:
        await pool.keeper.aclose()


def proxy(url: str) -> str | None:
    """Return the proxy that the environment names for an address, None for what is on this machine.

    Left to aiohttp, this and a look for .netrc would cost each request two trips to another thread.
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
    """Close the pool of a loop that has ended, rests, or runs in another thread."""

    async def close(keeper: AsyncGenerator[None]) -> None:
        await keeper.aclose()

    closing = close(_pools[loop].keeper)
    if loop.is_running():
        asyncio.run_coroutine_threadsafe(closing, loop).result(1)
    elif not loop.is_closed():
        loop.run_until_complete(closing)
    else:
        # There is nothing to wait for any more: it runs to its end at once.
        with suppress(StopIteration):
            closing.send(None)


@atexit.register
def _close_at_exit() -> None:
    for loop in list(_pools):
        with suppress(Exception):
            _close(loop)
