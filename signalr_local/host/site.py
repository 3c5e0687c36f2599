"""The web server of a host, and what it says of the app behind it."""

import socket
from collections.abc import Sequence

from aiohttp import web

from signalr_local.host import announcements
from signalr_local.host.dead_ends import DeadEnds
from signalr_local.host.failures import NotStartedError
from signalr_local.host.instance import AppInstance
from signalr_local.host.options import HostOptions
from signalr_local.host.page import PageBuilder
from signalr_local.host.respond import respond
from signalr_local.host.server import HostServer
from signalr_local.host.supervisor import Supervisor
from signalr_local.trace_context import follow_trace

__all__ = ["Site"]

_GRACE = 0.2
"""Seconds that answers have to go out once every function has ended; aiohttp waits its timeout twice."""


class Site:
    """Answer requests with the app that a supervisor keeps loaded."""

    def __init__(self, supervisor: Supervisor, options: HostOptions, url: str) -> None:
        self._supervisor = supervisor
        self._options = options
        self._url = url
        self._server = HostServer()
        self._dead_ends = DeadEnds()
        self._page = PageBuilder(supervisor.app)

    @property
    def plain_port(self) -> int:
        """The port that speaks plain HTTP: with TLS, another one than the host's."""
        return self._server.plain_port

    def announce(self, instance: AppInstance, before: AppInstance | None, seconds: float) -> None:
        """Say what was loaded, and what of it cannot be reached."""
        announcements.announce(instance, before, seconds, base=self._url)
        self._dead_ends.announce(self._supervisor.app, instance)

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Answer at sockets that listen on one port, until ``stop``."""
        self._server.take(sockets)
        await self._server.serve(self._handle, _GRACE / 2, self._options.tls)
        self._page.start()

    async def refuse(self) -> None:
        """Take no more connections; those that are there stay."""
        await self._page.stop()
        await self._server.refuse()

    async def stop(self) -> None:
        """Answer what runs, then let the port go."""
        await self._server.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        supervisor = self._supervisor
        follow_trace(request)
        while True:
            instance = await supervisor.current()
            try:
                return await respond(
                    request,
                    instance,
                    supervisor.problem,
                    supervisor.app,
                    self._dead_ends,
                    self._options.host_names,
                )
            except NotStartedError:
                # The worker ended before it began: the next one does it.
                continue
