"""The host's port: the addresses that it listens on, and the web server behind them."""

import errno
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

from signalr_local.host.http_log import http_log

__all__ = ["LOOPBACK", "HostServer"]

LOOPBACK = ("127.0.0.1", "::1")
"""Both loopback addresses: a client may resolve localhost to either."""

_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_ATTEMPTS = 8
_BACKLOG = 128

_MAX_BODY = 100 * 1024 * 1024
_MAX_LINE = 128 * 1024
"""What the HTTP parser takes; what the real host refuses is refused later."""

_log = logging.getLogger("signalr_local.host")

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class HostServer:
    """Serve HTTP on one port of several addresses."""

    def __init__(self) -> None:
        self.port = 0
        self.plain_port = 0
        self._sockets: list[socket.socket] = []
        self._runner: web.ServerRunner | None = None

    @property
    def is_bound(self) -> bool:
        """Tell whether the port was taken."""
        return bool(self._sockets)

    def bind(self, addresses: Sequence[str], port: int) -> None:
        """Take the port, a free one for 0; requests wait until ``serve``.

        The first address must be there, the others need not. Raise OSError where the port is taken.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._take(addresses, port)
            except OSError:
                self.close()
                if port != 0 or attempt == _ATTEMPTS:
                    raise
            else:
                return

    async def serve(self, handler: Handler, shutdown_timeout: float, tls: ssl.SSLContext | None) -> None:
        """Answer requests, with TLS where a context is given, until ``stop``.

        With TLS, ``plain_port`` is a port of the loopback address without it.
        """
        server = web.Server(
            handler,
            request_factory=_request,
            access_log=None,
            logger=http_log,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            # A body reaches a function as it was sent.
            auto_decompress=False,
        )
        self._runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=shutdown_timeout)
        await self._runner.setup()
        for one in self._sockets:
            await web.SockSite(self._runner, one, ssl_context=tls).start()
        self.plain_port = self.port
        if tls is not None:
            # The emulator beside the host does not trust a certificate that signed itself.
            plain = socket.create_server((LOOPBACK[0], 0), backlog=_BACKLOG)
            self._sockets.append(plain)
            self.plain_port = plain.getsockname()[1]
            await web.SockSite(self._runner, plain).start()

    async def refuse(self) -> None:
        """Take no more connections; those that are there stay."""
        if self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()

    async def stop(self) -> None:
        """Answer what runs, then let the port go."""
        if self._runner is not None:
            await self._runner.cleanup()
        self.close()

    def close(self) -> None:
        """Let the port go."""
        for one in self._sockets:
            one.close()
        self._sockets.clear()

    def _take(self, addresses: Sequence[str], port: int) -> None:
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            chosen = self._sockets[0].getsockname()[1] if self._sockets else port
            try:
                one = socket.create_server((address, chosen), family=family, backlog=_BACKLOG)
            except OSError as error:
                if not self._sockets or error.errno not in _NO_SUCH_ADDRESS:
                    raise
                _log.debug("There is no such address on this machine: %s.", error)
            else:
                self._sockets.append(one)
        self.port = self._sockets[0].getsockname()[1]


def _request(
    message: RawRequestMessage, payload: StreamReader, protocol: object, writer: object, task: object
) -> web.BaseRequest:
    import asyncio

    return web.BaseRequest(
        message,
        payload,
        protocol,  # type: ignore[arg-type]
        writer,  # type: ignore[arg-type]
        task,  # type: ignore[arg-type]
        asyncio.get_running_loop(),
        client_max_size=_MAX_BODY,
    )
