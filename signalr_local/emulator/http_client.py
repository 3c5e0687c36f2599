"""POST requests to the app, at a small part of what they cost with a general HTTP client.

An upstream request is made for each message of each client, always in the same form: no cookies, redirects,
proxies or compression. What remains is a pool of connections; responses are read by httptools, the parser of
Node.js.
"""

import asyncio
import base64
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from yarl import URL

from signalr_local.emulator.http_connection import (
    BrokenResponseError,
    HttpConnection,
    NoResponseError,
    Response,
    TooLargeError,
)

__all__ = [
    "BrokenResponseError",
    "HttpClient",
    "NoResponseError",
    "Response",
    "StalledResponseError",
    "TooLargeError",
    "UnreachableError",
]

_KEEP_ALIVE = 15.0
"""How long a connection is kept for the next request, in seconds: less than servers keep it."""

_NOT_IN_HEADER = re.compile(r"[\r\n\0]")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_NOT_IN_TARGET = re.compile(r"[^\x21-\x7e]")

type _Origin = tuple[str, int, bool]


class UnreachableError(ConnectionError):
    """No connection could be made; the message says why."""


class StalledResponseError(TimeoutError):
    """The response began and was not complete in time."""


@dataclass(frozen=True)
class _Address:
    """Where a URL leads to, and how a request to it begins."""

    origin: _Origin
    head: str

    @classmethod
    def of(cls, text: str) -> "_Address":
        """Read a URL that is percent-encoded already. Raise ValueError if it is not one of HTTP."""
        url = URL(text, encoded=True)
        if url.scheme not in ("http", "https") or not url.raw_host or url.port is None:
            raise ValueError("it is not an address that starts with http:// or https:// and a host")
        target = url.raw_path_qs
        if _NOT_IN_TARGET.search(target):
            raise ValueError("its path or query has characters that must be percent-encoded")
        lines = [f"POST {target} HTTP/1.1", f"Host: {url.host_port_subcomponent}"]
        if url.user is not None:
            credentials = f"{url.user}:{url.password or ''}".encode()
            lines.append(f"Authorization: Basic {base64.b64encode(credentials).decode()}")
        return cls((url.raw_host, url.port, url.scheme == "https"), "\r\n".join(lines))


_address = lru_cache(256)(_Address.of)


def _encode(head: str) -> bytes:
    try:
        return head.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, which a token can hold, becomes what .NET makes of it.
        return _HALF_PAIR.sub("\ufffd", head).encode()


class HttpClient:
    """Send requests on connections that are kept for the next ones."""

    def __init__(self, timeout: float, max_body: int) -> None:
        """Give each request ``timeout`` seconds, and its response ``max_body`` bytes."""
        self._timeout = timeout
        self._max_body = max_body
        self._idle: dict[_Origin, list[HttpConnection]] = {}
        self._busy: set[HttpConnection] = set()
        self._pruning: asyncio.TimerHandle | None = None

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send a request, once, and return its response.

        Raise ValueError for a URL or header that is not valid, TooLargeError for the response, TimeoutError,
        or UnreachableError, NoResponseError and BrokenResponseError, which are ConnectionErrors.
        """
        address = _address(url)
        lines = [address.head]
        for name, value in headers.items():
            if _NOT_IN_HEADER.search(value):
                raise ValueError(f"the header {name} would hold a line break")
            lines.append(f"{name}: {value}")
        lines.append(f"Content-Length: {len(body)}\r\n\r\n")
        request = _encode("\r\n".join(lines)) + body
        connection = None
        try:
            async with asyncio.timeout(self._timeout):
                connection = self._take(address.origin) or await self._connect(address.origin)
                self._busy.add(connection)
                return await connection.request(request)
        except TimeoutError:
            if connection is not None and connection.has_begun:
                raise StalledResponseError from None
            raise
        finally:
            if connection is not None:
                self._give_back(address.origin, connection)

    def close(self) -> None:
        """Close all connections."""
        if self._pruning is not None:
            self._pruning.cancel()
        for connection in (*self._busy, *(one for idle in self._idle.values() for one in idle)):
            connection.close()
        self._idle.clear()

    async def _connect(self, origin: _Origin) -> "HttpConnection":
        host, port, is_secure = origin
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: HttpConnection(self._max_body),
                host,
                port,
                ssl=self._tls if is_secure else None,
                happy_eyeballs_delay=0.25,
            )
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise UnreachableError(reason or str(error)) from None
        return connection

    def _take(self, origin: _Origin) -> "HttpConnection | None":
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            if connection.is_usable:
                return connection
        return None

    def _give_back(self, origin: _Origin, connection: "HttpConnection") -> None:
        self._busy.discard(connection)
        if not connection.is_usable:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault(origin, []).append(connection)
        if self._pruning is None:
            self._pruning = loop.call_later(_KEEP_ALIVE, self._prune)

    def _prune(self) -> None:
        loop = asyncio.get_running_loop()
        self._pruning = None
        oldest = loop.time() - _KEEP_ALIVE
        for origin, idle in list(self._idle.items()):
            for connection in idle:
                if connection.idle_since <= oldest:
                    connection.close()
            self._idle[origin] = [one for one in idle if one.is_usable]
            if not self._idle[origin]:
                del self._idle[origin]
        if self._idle:
            self._pruning = loop.call_later(_KEEP_ALIVE / 2, self._prune)
