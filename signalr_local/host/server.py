"""The host's port: the addresses that it listens on, and the web server behind them."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

from signalr_local.host.http_log import http_log
from signalr_local.sockets import BACKLOG, LOOPBACK, listen

__all__ = ["HostServer"]

_MAX_BODY = 100 * 1024 * 1024
_MAX_LINE = 128 * 1024
"""What the HTTP parser takes; what the real host refuses is refused later."""

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class HostServer:
    """Serve HTTP on one port of several addresses."""

    def __init__(self) -> None:
        self.port = 0
        self.plain_port = 0
        self._sockets: list[socket.socket] = []
        self._runner: web.ServerRunner | None = None

    def bind(self, addresses: Sequence[str], port: int) -> None:
        """Take the port, a free one for 0; requests wait until ``serve``. Raise OSError if it is taken."""
        self.take(listen(addresses, port))

    def take(self, sockets: Sequence[socket.socket]) -> None:
        """Take sockets that listen on one port; requests wait until ``serve``."""
        self._sockets = list(sockets)
        self.port = sockets[0].getsockname()[1]

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
            await web.SockSite(self._runner, one, ssl_context=tls, backlog=BACKLOG).start()
        self.plain_port = self.port
        if tls is not None:
            # The emulator beside the host does not trust a certificate that signed itself.
            (plain,) = listen(LOOPBACK[:1], 0)
            self._sockets.append(plain)
            self.plain_port = plain.getsockname()[1]
            await web.SockSite(self._runner, plain, backlog=BACKLOG).start()

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


def _request(
    message: RawRequestMessage, payload: StreamReader, protocol: object, writer: object, task: object
) -> web.BaseRequest:
    return web.BaseRequest(
        message,
        payload,
        protocol,  # type: ignore[arg-type]
        writer,  # type: ignore[arg-type]
        task,  # type: ignore[arg-type]
        asyncio.get_running_loop(),
        client_max_size=_MAX_BODY,
    )
