"""The emulator: one HTTP server for clients and for the app's requests."""

import logging
import socket
from collections.abc import Collection, Sequence
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from serverless_signalr.endpoint import Endpoint
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator.auth import Gate, UnauthorizedError
from signalr_local.emulator.client import ClientSide
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.defaults import (
    CONTROL_PATH,
    DEFAULT_ACCESS_KEY,
    DEFAULT_PORT,
    SECONDARY_ACCESS_KEY,
    connection_string,
)
from signalr_local.emulator.faults import Control, Faults
from signalr_local.emulator.hostnames import HostNames
from signalr_local.emulator.http_log import HTTP_LOG
from signalr_local.emulator.hub import Hubs
from signalr_local.emulator.incoming import forbid_caching, is_client, is_inspector, shown
from signalr_local.emulator.keys import check_keys
from signalr_local.emulator.limits import Limits
from signalr_local.emulator.negotiate import Tickets
from signalr_local.emulator.origin import allow_origin, check_origin
from signalr_local.emulator.patience import PatientServer
from signalr_local.emulator.refusals import answer_to, tell_refusal
from signalr_local.emulator.rest import Rest
from signalr_local.emulator.rules import UpstreamRule
from signalr_local.emulator.session import Session
from signalr_local.emulator.tiers import Quota, QuotaError, Tier
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.upstream import Answer, Upstream
from signalr_local.emulator.versions import Versions
from signalr_local.emulator.welcome import DEFAULT_MODE, WELCOME
from signalr_local.inspector.journal import Journal
from signalr_local.sockets import BACKLOG, LOOPBACK, listen, url_of
from signalr_local.trace_context import follow_trace

__all__ = ["Emulator"]

_MAX_LINE = 32 * 1024
"""A group name takes up to 12 kB in a path, and 16 kB in the token for that path."""

_log = logging.getLogger(__name__)


class Emulator:
    """An emulator of any number of hubs.

    ``keys`` all open the emulator and sign its upstream requests; the first is in the connection string.
    ``hosts`` are names that others know it by, such as host.docker.internal: requests to other names with a
    dot are refused, and a token made for one of them is good wherever its bearer comes in. Pages of
    ``origins`` may use the REST API. A client that lets more than ``send_buffer`` bytes wait for it is cut
    off. With ``is_lenient`` tokens are checked for their signature alone, and every API version is taken, as
    in the official emulator. With ``is_silent`` a call that no rule matches is never answered, as in Azure.
    With ``forwards_streams`` the app gets calls that ask for a stream, too. With ``stateful_reconnect``
    clients that ask for it go on with their connection on another WebSocket. Raise ValueError for a key, host
    or origin that is not valid.
    """

    def __init__(
        self,
        upstream: Sequence[UpstreamRule] = (),
        keys: Sequence[str] = (DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY),
        timing: Timing | None = None,
        *,
        hosts: Sequence[str] = (),
        origins: Sequence[str] = (),
        send_buffer: int | None = None,
        limits: Limits | None = None,
        stateful_reconnect: bool = False,
        tier: Tier | None = None,
        is_lenient: bool = False,
        is_silent: bool = False,
        forwards_streams: bool = False,
    ) -> None:
        self._keys = check_keys(keys)
        self._timing = timing or Timing()
        self._has_stateful = stateful_reconnect
        self._limits = limits or Limits()
        if send_buffer is not None:
            self._limits = replace(self._limits, send_buffer=send_buffer)
        self._upstream = Upstream(upstream, self._keys, self._timing.upstream)
        self._upstream.faults = Faults(self._timing.clock)
        self._hosts = HostNames(tuple(hosts))
        self._origins = frozenset(check_origin(origin) for origin in origins)
        self._gate = Gate(self._keys, self._hosts, is_lenient=is_lenient, clock=self._timing.clock.time)
        self._hubs: Hubs[Connection] = Hubs(self._timing.clock.monotonic)
        self._quota = Quota(tier)
        self._quota.on_exceeded = self._close_all
        self._upstream.quota = self._quota
        self._upstream.is_silent = is_silent
        self._upstream.forwards_streams = forwards_streams
        self._tickets = Tickets(self._timing, self._timing.clock.monotonic)
        self._rest = Rest(self._hubs, self._gate, Versions(is_lenient=is_lenient), self._quota, self._tickets)
        self.control: Control | None = None
        """What answers requests below ``/_test/``; without it there is no such path."""
        self.inspect: Control | None = None
        """What answers requests below ``/_inspect``; without it there is no such path."""
        self._clients: ClientSide | None = None
        self._address: str | None = None
        self._runner: web.ServerRunner | None = None

    @property
    def keys(self) -> Sequence[str]:
        """The access keys. They can be replaced at any time; tokens of old keys are refused from then on."""
        return self._keys

    @keys.setter
    def keys(self, keys: Sequence[str]) -> None:
        self._keys = self._gate.keys = self._upstream.keys = check_keys(keys)

    @property
    def upstream(self) -> list[UpstreamRule]:
        """The upstream rules, of which the first that matches is used. They can be replaced at any time."""
        return self._upstream.rules

    @upstream.setter
    def upstream(self, rules: Sequence[UpstreamRule]) -> None:
        self._upstream.rules = list(rules)

    @property
    def journal(self) -> Journal | None:
        """What is told of everything that happens. Set it before the start."""
        return self._rest.journal

    @journal.setter
    def journal(self, journal: Journal) -> None:
        self._rest.journal = self._upstream.journal = journal

    @property
    def hubs(self) -> Hubs[Connection]:
        """The hubs that were used, with who is in them."""
        return self._hubs

    @property
    def endpoint(self) -> Endpoint:
        """The emulator as an endpoint whose tokens it accepts under every name."""
        return self._gate.endpoint

    @property
    def sessions(self) -> Collection[Session]:
        """The clients, those included that have not shaken hands yet."""
        return self._clients.sessions if self._clients is not None else ()

    @property
    def faults(self) -> Faults:
        """What is to go wrong on purpose: nothing, unless a test asks for it."""
        return self._upstream.faults

    @property
    def delivered(self) -> int:
        """How many events were sent to the app since the start."""
        return self._upstream.delivered

    @property
    def connections(self) -> list[Connection]:
        """The connections that are open, and those whose end the app is still being told of."""
        return [session.connection for session in self.sessions if session.connection is not None]

    @property
    def port(self) -> int:
        """The port that it listens on. Raise RuntimeError if it is not running."""
        if self._runner is None:
            raise RuntimeError("the emulator is not running")
        return self._gate.port

    @property
    def connection_string(self) -> str:
        """The connection string for apps."""
        return connection_string(self.port, self._keys[0])

    async def deliver(self, event: UpstreamEvent, content_type: str, body: bytes, trace_id: str) -> Answer:
        """Send an event to the app, as those of clients are sent, and return the answer."""
        return await self._upstream.deliver(event, content_type, body, trace_id)

    async def start(self, host: str | None = None, port: int = DEFAULT_PORT) -> None:
        """Listen on an address, by default on both loopback ones; 0 chooses a free port.

        Raise OSError if the port is in use, or the machine does not have the address.
        """
        self._check_not_running()
        self._address = host
        await self.serve(listen(LOOPBACK if host is None else (host,), port))

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Answer at sockets that listen on one port; they are closed by ``stop``."""
        self._check_not_running()
        self._clients = ClientSide(
            self._hubs,
            self._gate,
            self._upstream,
            self._timing,
            self._limits,
            self._quota,
            self._tickets,
            has_stateful=self._has_stateful,
        )
        server = PatientServer(
            self._answer,
            self._timing.request,
            keepalive_timeout=self._timing.idle,
            # Without this, nothing tells that the client of an event stream has gone.
            handler_cancellation=True,
            # Like ASP.NET Core, the emulator does not decompress bodies.
            auto_decompress=False,
            access_log=None,
            logger=HTTP_LOG,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
        )
        # Only REST requests can still be running once all clients have gone.
        runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await runner.setup()
        for one in sockets:
            await web.SockSite(runner, one, backlog=BACKLOG).start()
        self._upstream.open()
        self._runner = runner
        self._gate.port = runner.addresses[0][1]
        _log.info("Listening on %s.", " and ".join(url_of(one) for one in sockets))
        for name in sorted(self._hosts.given):
            _log.info("Endpoint=http://%s;Port=%d; names it too.", name, self._gate.port)

    def _check_not_running(self) -> None:
        if self._runner is not None:
            raise RuntimeError("the emulator is running already")

    async def stop(self) -> None:
        """Close all clients, tell the app, and stop, within two seconds."""
        runner, clients = self._runner, self._clients
        if runner is None or clients is None:
            return
        self._runner = None
        # The app may send messages when it is told of disconnected clients: the REST API stays up until then.
        try:
            await clients.stop()
        finally:
            self._clients = None
            self._upstream.close()
            await runner.cleanup()

    async def restart(self) -> None:
        """Stop and start again at the same addresses: clients are closed, groups and users forgotten.

        Raise RuntimeError if it is not running, OSError if somebody else has taken the port meanwhile.
        """
        port = self.port
        await self.stop()
        self._hubs.clear()
        await self.start(self._address, port)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._hosts.allows(request.headers.get("Host")):
            return self._hosts.refuse(request)
        if self.inspect is not None and is_inspector(request):
            return await self.inspect(request)
        if self.journal is not None:
            follow_trace(request)
        reason = None
        try:
            response = await self._route(request)
        except (UnauthorizedError, QuotaError, web.HTTPException) as error:
            response, reason = answer_to(request, error)
        if not response.prepared:
            allow_origin(request, response, self._origins)
            forbid_caching(request, response)
        if self.journal is not None and response.status >= HTTPStatus.BAD_REQUEST and is_client(request):
            tell_refusal(self.journal, request, response, reason)
        return response

    def _close_all(self, reason: str) -> None:
        for connection in [one for hub in self._hubs for one in hub.in_hub()]:
            connection.close(reason, allow_reconnect=False)

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path.lower()
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        match path.rstrip("/"):
            case "/client" | "/client/negotiate" as path:
                if self._clients is None:
                    return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
                answer = self._clients.connect if path == "/client" else self._clients.negotiate
                return await answer(request)
            case "/server" | "/server/negotiate":
                _log.warning(DEFAULT_MODE, shown(request))
            case "" if request.method in ("GET", "HEAD"):
                return web.Response(text=WELCOME)
        if path.startswith("/api/"):
            return await self._rest.answer(request, await self._upstream.faults.request())
        if self.control is not None and path.startswith(CONTROL_PATH):
            return await self.control(request)
        return web.Response(status=HTTPStatus.NOT_FOUND, text="Not found.")
