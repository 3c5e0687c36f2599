"""The client's side of the service: ``/client/negotiate`` and ``/client/``.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md; the texts
are those of ASP.NET Core's HttpConnectionDispatcher.
"""

import asyncio
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from aiohttp import web

from serverless_signalr.protocol.names import check_hub_name
from signalr_local.emulator.auth import Gate, Identity
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.event_stream import EventStreamSession
from signalr_local.emulator.hub import Hubs
from signalr_local.emulator.incoming import HUB_NAME_RULE, is_event_stream, is_websocket, query_of
from signalr_local.emulator.negotiate import Ticket, Tickets, TicketTakenError, new_id, response, version_of
from signalr_local.emulator.opening import Open
from signalr_local.emulator.polling import PollingSession
from signalr_local.emulator.posting import PostingSession
from signalr_local.emulator.protocols import HubProtocol
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.transports import LONG_POLLING, WEBSOCKETS, Transport
from signalr_local.emulator.upstream import Upstream
from signalr_local.emulator.websocket import WebSocketSession

__all__ = ["ClientSide"]

_NO_CONNECTION = "No Connection with that ID"
_CHANGED = "Cannot change transports mid-connection"


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
        self._sessions: dict[WebSocketSession | PostingSession, asyncio.Task[Any]] = {}
        self._posting: dict[str, PostingSession] = {}
        self._is_stopping = False

    async def negotiate(self, request: web.BaseRequest) -> web.StreamResponse:
        """Tell a client how to connect."""
        self._check_open()
        if request.method != "POST":
            return _text(HTTPStatus.METHOD_NOT_ALLOWED)
        hub = _hub(request)
        identity = self._gate.client(request, hub)
        try:
            version = version_of(query_of(request).get("negotiateVersion"))
        except ValueError as error:
            return web.json_response({"error": str(error)})
        return web.json_response(response(self._tickets.issue(hub, version), version, identity.terms))

    async def connect(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve a client's connection, or one of the requests that it consists of."""
        hub = _hub(request)
        identity = self._gate.client(request, hub)
        token = query_of(request).get("id")
        ticket = self._tickets.find(token, hub) if token else None
        if token and ticket is None:
            return _text(HTTPStatus.NOT_FOUND, _NO_CONNECTION)
        if is_websocket(request):
            return await self._websocket(request, hub, identity, ticket)
        if request.method not in ("GET", "POST", "DELETE"):
            return _text(HTTPStatus.METHOD_NOT_ALLOWED)
        if ticket is None:
            return _text(HTTPStatus.BAD_REQUEST, "Connection ID required")
        session = self._posting.get(ticket.token)
        match request.method:
            case "GET":
                return await self._get(request, identity, ticket, session)
            case "POST":
                return await _post(request, ticket, session)
            case _:
                return _delete(session)

    async def stop(self) -> None:
        """Send all clients away and wait for the end of their sessions, but not long.

        Those that are there are answered meanwhile, others are not let in.
        """
        self._is_stopping = True
        for session in list(self._sessions):
            session.stop()
        if not self._sessions:
            return
        _, late = await asyncio.wait(self._sessions.values(), timeout=self._timing.stop)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _check_open(self) -> None:
        if self._is_stopping:
            raise web.HTTPServiceUnavailable(text="")

    async def _websocket(
        self, request: web.BaseRequest, hub: str, identity: Identity, ticket: Ticket | None
    ) -> web.StreamResponse:
        self._check_open()
        if not WEBSOCKETS.is_allowed(identity.terms):
            return _not_supported(WEBSOCKETS)
        if ticket is None:
            connection_id = new_id()
        elif ticket.token in self._posting:
            return _text(HTTPStatus.BAD_REQUEST, _CHANGED)
        else:
            connection_id = ticket.connection_id
            try:
                self._tickets.take(ticket)
            except TicketTakenError:
                return _text(HTTPStatus.CONFLICT)
        opener = self._opener(request, hub, identity, connection_id, WEBSOCKETS)
        session = WebSocketSession(request, opener, self._timing, identity.terms)
        # The app learns that the client has gone even where its request ends with it.
        return await asyncio.shield(self._start(session, session.run(), ticket))

    async def _get(
        self, request: web.BaseRequest, identity: Identity, ticket: Ticket, session: PostingSession | None
    ) -> web.StreamResponse:
        kind = EventStreamSession if is_event_stream(request) else PollingSession
        if session is None:
            self._check_open()
            if ticket.is_taken:
                return _text(HTTPStatus.BAD_REQUEST, _CHANGED)
            if not kind.transport.is_allowed(identity.terms):
                return _not_supported(kind.transport)
            self._tickets.take(ticket)
            opener = self._opener(request, ticket.hub, identity, ticket.connection_id, kind.transport)
            session = self._posting[ticket.token] = kind(opener, self._timing, identity.terms)
            self._start(session, session.run(), ticket)
        elif not isinstance(session, kind):
            return _text(HTTPStatus.BAD_REQUEST, _CHANGED)
        return await session.get(request)

    def _opener(
        self,
        request: web.BaseRequest,
        hub: str,
        identity: Identity,
        connection_id: str,
        transport: Transport,
    ) -> Open:
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
                # Who polls is heard of often enough.
                is_watched=transport is not LONG_POLLING,
            )

        return open_connection

    def _start[T](
        self,
        session: WebSocketSession | PostingSession,
        running: Coroutine[None, None, T],
        ticket: Ticket | None,
    ) -> asyncio.Task[T]:
        def end(_: object) -> None:
            del self._sessions[session]
            if ticket is not None:
                self._posting.pop(ticket.token, None)
                self._tickets.give_back(ticket)

        task = self._sessions[session] = asyncio.create_task(running)
        task.add_done_callback(end)
        return task


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
    """Return the connect request's query as the app is told of it: whole, with the token, as in Azure."""
    return f"?{request.rel_url.raw_query_string}"


async def _post(request: web.BaseRequest, ticket: Ticket, session: PostingSession | None) -> web.Response:
    if session is None and ticket.is_taken:
        return _text(
            HTTPStatus.METHOD_NOT_ALLOWED, "POST requests are not allowed for WebSocket connections."
        )
    if session is None or session.is_gone:
        return _text(HTTPStatus.NOT_FOUND, _NO_CONNECTION)
    await session.post(await request.read())
    return _text(HTTPStatus.OK)


def _delete(session: PostingSession | None) -> web.Response:
    if not isinstance(session, PollingSession):
        return _text(HTTPStatus.BAD_REQUEST, "Cannot terminate this connection using the DELETE endpoint.")
    session.leave()
    return _text(HTTPStatus.ACCEPTED)


def _not_supported(transport: Transport) -> web.Response:
    return _text(HTTPStatus.NOT_FOUND, f"{transport.name} transport not supported by this end point type")


def _text(status: HTTPStatus, text: str = "") -> web.Response:
    return web.Response(status=status, text=text)
