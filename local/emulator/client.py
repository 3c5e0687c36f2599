"""The client's side of the service: ``/client/negotiate`` and ``/client/``.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md; the texts
are those of ASP.NET Core's HttpConnectionDispatcher.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from local.emulator.auth import Gate, Identity
from local.emulator.connection import Connection
from local.emulator.hub import Hubs
from local.emulator.incoming import HUB_NAME_RULE, is_websocket, query_of
from local.emulator.negotiate import Ticket, Tickets, TicketTakenError, new_id, response, version_of
from local.emulator.protocols import HubProtocol
from local.emulator.timing import Timing
from local.emulator.upstream import Upstream
from local.emulator.websocket import WebSocketSession
from signalr.names import check_hub_name

__all__ = ["ClientSide"]


class ClientSide:
    """Answer clients and hold their sessions."""

    def __init__(
        self, hubs: Hubs[Connection], gate: Gate, upstream: Upstream, timing: Timing, send_buffer: int
    ) -> None:
        self._hubs = hubs
        self._gate = gate
        self._upstream = upstream
        self._timing = timing
        self._send_buffer = send_buffer
        self._tickets = Tickets(timing)
        self._sessions: dict[WebSocketSession, asyncio.Task[object]] = {}

    async def negotiate(self, request: web.BaseRequest) -> web.StreamResponse:
        """Tell a client how to connect."""
        if request.method != "POST":
            return _text(HTTPStatus.METHOD_NOT_ALLOWED)
        hub = _hub(request)
        self._gate.client(request, hub)
        try:
            version = version_of(query_of(request).get("negotiateVersion"))
        except ValueError as error:
            return web.json_response({"error": str(error)})
        return web.json_response(response(self._tickets.issue(hub, version), version))

    async def connect(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve a client's connection, with the id that it negotiated or without one."""
        hub = _hub(request)
        identity = self._gate.client(request, hub)
        token = query_of(request).get("id")
        ticket = self._tickets.find(token, hub) if token else None
        if token and ticket is None:
            return _text(HTTPStatus.NOT_FOUND, "No Connection with that ID")
        if not is_websocket(request):
            return _refuse(request, ticket)
        if ticket is None:
            return await self._serve(request, hub, identity, new_id())
        try:
            self._tickets.take(ticket)
        except TicketTakenError:
            return _text(HTTPStatus.CONFLICT)
        try:
            return await self._serve(request, hub, identity, ticket.connection_id)
        finally:
            self._tickets.give_back(ticket)

    async def stop(self) -> None:
        """Send all clients away and wait for the end of their sessions, but not long."""
        for session in list(self._sessions):
            session.stop()
        if not self._sessions:
            return
        _, late = await asyncio.wait(self._sessions.values(), timeout=self._timing.stop)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _serve(
        self, request: web.BaseRequest, hub: str, identity: Identity, connection_id: str
    ) -> web.StreamResponse:
        def open_connection(protocol: HubProtocol, abort: Callable[[], None]) -> Connection:
            return Connection(
                connection_id,
                self._hubs[hub],
                identity,
                _forwarded_query(request),
                protocol,
                upstream=self._upstream,
                timing=self._timing,
                send_buffer=self._send_buffer,
                abort=abort,
            )

        session = WebSocketSession(request, open_connection, self._timing)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._sessions[session] = task
        try:
            return await session.run()
        finally:
            del self._sessions[session]


def _hub(request: web.BaseRequest) -> str:
    """Return the one hub that a request names, in lower case, as the service keeps it."""
    hubs = query_of(request).getall("hub", [])
    if len(hubs) != 1:
        raise web.HTTPBadRequest(text="Exactly one hub is expected in the query.")
    try:
        return check_hub_name(hubs[0]).lower()
    except ValueError:
        raise web.HTTPBadRequest(text=HUB_NAME_RULE) from None


def _forwarded_query(request: web.BaseRequest) -> str:
    """Return the connect request's query as the app is told of it: without the token."""
    parts = request.rel_url.raw_query_string.split("&")
    return "?" + "&".join(part for part in parts if part.partition("=")[0].lower() != "access_token")


def _refuse(request: web.BaseRequest, ticket: Ticket | None) -> web.Response:
    if request.method not in ("GET", "POST", "DELETE"):
        return _text(HTTPStatus.METHOD_NOT_ALLOWED)
    if ticket is None:
        return _text(HTTPStatus.BAD_REQUEST, "Connection ID required")
    match request.method:
        case "POST":
            return _text(
                HTTPStatus.METHOD_NOT_ALLOWED, "POST requests are not allowed for WebSocket connections."
            )
        case "DELETE":
            return _text(
                HTTPStatus.BAD_REQUEST, "Cannot terminate this connection using the DELETE endpoint."
            )
    if ticket.is_taken:
        return _text(HTTPStatus.BAD_REQUEST, "Cannot change transports mid-connection")
    is_stream = "text/event-stream" in request.headers.get("Accept", "").lower()
    transport = "ServerSentEvents" if is_stream else "LongPolling"
    return _text(HTTPStatus.NOT_FOUND, f"{transport} transport not supported by this end point type")


def _text(status: HTTPStatus, text: str = "") -> web.Response:
    return web.Response(status=status, text=text)
