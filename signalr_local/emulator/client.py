"""The client's side of the service: ``/client/negotiate`` and ``/client/``.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md; the texts
are those of ASP.NET Core's HttpConnectionDispatcher.
"""

import asyncio
import logging
from functools import partial
from http import HTTPStatus

from aiohttp import web

from signalr_local.emulator.auth import Gate, Identity
from signalr_local.emulator.channel import Channel
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.delivery import Delivery
from signalr_local.emulator.event_stream import EventStreamSession
from signalr_local.emulator.hub import Hubs
from signalr_local.emulator.incoming import (
    hub_of,
    is_event_stream,
    is_websocket,
    json_response,
    query_of,
)
from signalr_local.emulator.limits import Limits
from signalr_local.emulator.negotiate import Ticket, Tickets, TicketTakenError, new_id, response, version_of
from signalr_local.emulator.opening import Accepted
from signalr_local.emulator.patience import read_body
from signalr_local.emulator.polling import PollingSession
from signalr_local.emulator.posting import PostingSession
from signalr_local.emulator.resumable import ResumableConnection
from signalr_local.emulator.session import Open, Session
from signalr_local.emulator.tiers import Quota
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.transports import WEBSOCKETS, Transport
from signalr_local.emulator.upgrade import upgrade_key
from signalr_local.emulator.upstream import Upstream
from signalr_local.emulator.websocket import WebSocketSession
from signalr_local.inspector.events import ClientNegotiated
from signalr_local.trace_context import new_trace_id

__all__ = ["ClientSide"]

_STATEFUL_VERSION = 2
"""The version of the hub protocol that has acknowledgements."""

_NO_CONNECTION = "No Connection with that ID"
_CHANGED = "Cannot change transports mid-connection"
_log = logging.getLogger(__name__)


class ClientSide:
    """Answer clients and hold their sessions."""

    def __init__(
        self,
        hubs: Hubs[Connection],
        gate: Gate,
        upstream: Upstream,
        timing: Timing,
        limits: Limits,
        quota: Quota,
        tickets: Tickets,
        *,
        has_stateful: bool = False,
    ) -> None:
        """Take what all clients share; needs a running loop. Stateful reconnect is off by default."""
        self._hubs = hubs
        self._gate = gate
        self._upstream = upstream
        self._timing = timing
        self._limits = limits
        self._quota = quota
        self._has_stateful = has_stateful
        self._delivery = Delivery(limits, timing.clock)
        self._tickets = tickets
        self.sessions: set[Session] = set()
        self._posting: dict[str, PostingSession] = {}
        self._all_ended = asyncio.Event()
        self._is_stopping = False

    async def negotiate(self, request: web.BaseRequest) -> web.StreamResponse:
        """Tell a client how to connect."""
        if request.method != "POST":
            return _text(HTTPStatus.METHOD_NOT_ALLOWED)
        hub = hub_of(request)
        identity = self._gate.client(request, hub)
        self._check_room()
        query = query_of(request)
        try:
            version = version_of(query.get("negotiateVersion"))
        except ValueError as error:
            return json_response({"error": str(error)})
        ticket = self._tickets.issue(hub, version)
        if query.get("useStatefulReconnect", "").lower() == "true":
            ticket.is_stateful = version > 0 and self._has_stateful
            if not ticket.is_stateful:
                _log.info(
                    "The client of connection %s asks for stateful reconnect, which is off here: start the "
                    "emulator with --stateful-reconnect. The client goes on without it.",
                    ticket.connection_id,
                )
        if (journal := self._upstream.journal) is not None:
            found = ClientNegotiated(
                hub=hub, connection_id=ticket.connection_id, user_id=identity.user_id, trace_id=new_trace_id()
            )
            journal.add(found)
        return json_response(response(ticket, version, identity.terms))

    async def connect(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve a client's connection, or one of the requests that it consists of."""
        hub = hub_of(request)
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
                return await self._post(request, ticket, session)
            case _:
                return _delete(session)

    async def stop(self) -> None:
        """Close all clients, let nobody else in, and wait for the sessions to end, but not long."""
        self._is_stopping = True
        for session in list(self.sessions):
            session.stop()
        try:
            async with asyncio.timeout(self._timing.stop):
                await self._until_all_ended()
        except TimeoutError:
            for session in list(self.sessions):
                session.cancel()
            await self._until_all_ended()

    async def _until_all_ended(self) -> None:
        while self.sessions:
            self._all_ended.clear()
            await self._all_ended.wait()

    def _check_room(self) -> None:
        """Refuse another connection if the emulator stops, or the tier has no more."""
        if self._is_stopping:
            raise web.HTTPServiceUnavailable(text="")
        self._quota.check_connections(len(self.sessions))

    async def _websocket(
        self, request: web.BaseRequest, hub: str, identity: Identity, ticket: Ticket | None
    ) -> web.StreamResponse:
        if not WEBSOCKETS.is_allowed(identity.terms):
            return _not_supported(WEBSOCKETS)
        if ticket is not None and ticket.token in self._posting:
            return _text(HTTPStatus.BAD_REQUEST, _CHANGED)
        try:
            key = upgrade_key(request)
        except ValueError as error:
            return _text(HTTPStatus.BAD_REQUEST, str(error))
        old = None if ticket is None else ticket.session
        if old is None or not old.is_resumable:
            old = None
            self._check_room()
        connection_id = new_id() if ticket is None else ticket.connection_id
        if ticket is not None and old is None:
            try:
                self._tickets.take(ticket)
            except TicketTakenError:
                return _text(HTTPStatus.CONFLICT)
        opener = self._opener(request, hub, identity, connection_id, WEBSOCKETS, ticket)
        session = self._start(WebSocketSession, opener, identity, ticket)
        if old is not None:
            self.sessions.discard(old)
            session.resume(old)
        if ticket is not None and ticket.is_stateful:
            ticket.session = session
        session.accept(request, key)
        if ticket is not None and ticket.early:
            session.receive(ticket.take_early())
        # The socket is the session's now: nobody gets to see this answer.
        return web.Response()

    async def _get(
        self, request: web.BaseRequest, identity: Identity, ticket: Ticket, session: PostingSession | None
    ) -> web.StreamResponse:
        kind = EventStreamSession if is_event_stream(request) else PollingSession
        if session is None:
            self._check_room()
            if ticket.is_taken:
                return _text(HTTPStatus.BAD_REQUEST, _CHANGED)
            if not kind.transport.is_allowed(identity.terms):
                return _not_supported(kind.transport)
            self._tickets.take(ticket)
            opener = self._opener(request, ticket.hub, identity, ticket.connection_id, kind.transport)
            session = self._posting[ticket.token] = self._start(kind, opener, identity, ticket)
            if ticket.early:
                session.receive(ticket.take_early())
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
        ticket: Ticket | None = None,
    ) -> Open:
        query = _forwarded_query(request)
        is_stateful = ticket is not None and ticket.is_stateful

        def open_connection(accepted: Accepted, channel: Channel) -> Connection:
            kind: type[Connection] | partial[ResumableConnection] = Connection
            if is_stateful and accepted.version >= _STATEFUL_VERSION:
                kind = partial(ResumableConnection, backlog=self._delivery.backlog)
            return kind(
                connection_id,
                self._hubs[hub],
                identity,
                query,
                accepted.protocol,
                upstream=self._upstream,
                timing=self._timing,
                max_message=self._limits.message,
                channel=channel,
                transport=transport,
            )

        return open_connection

    def _start[S: Session](self, kind: type[S], opener: Open, identity: Identity, ticket: Ticket | None) -> S:
        def end() -> None:
            self.sessions.discard(session)
            if ticket is not None:
                self._posting.pop(ticket.token, None)
                self._tickets.give_back(ticket)
            if not self.sessions:
                self._all_ended.set()

        session = kind(opener, self._timing, identity.terms, self._delivery, end)
        self.sessions.add(session)
        return session

    async def _post(
        self, request: web.BaseRequest, ticket: Ticket, session: PostingSession | None
    ) -> web.Response:
        if session is None and ticket.is_taken:
            return _text(
                HTTPStatus.METHOD_NOT_ALLOWED, "POST requests are not allowed for WebSocket connections."
            )
        if session is not None and session.is_gone:
            return _text(HTTPStatus.NOT_FOUND, _NO_CONNECTION)
        data = await read_body(request, self._limits.message, self._timing.request)
        # What comes before the first poll or event stream is kept for it, as ASP.NET Core keeps it.
        session = session or self._posting.get(ticket.token)
        if session is not None:
            await session.post(data)
        elif len(ticket.early) + len(data) > self._limits.early:
            return _text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            ticket.early += data
        return _text(HTTPStatus.OK)


def _forwarded_query(request: web.BaseRequest) -> str:
    """Return the connect request's query as the app is told of it: whole, with the token, as in Azure."""
    return f"?{request.rel_url.raw_query_string}"


def _delete(session: PostingSession | None) -> web.Response:
    if not isinstance(session, PollingSession):
        return _text(HTTPStatus.BAD_REQUEST, "Cannot terminate this connection using the DELETE endpoint.")
    session.leave()
    return _text(HTTPStatus.ACCEPTED)


def _not_supported(transport: Transport) -> web.Response:
    return _text(HTTPStatus.NOT_FOUND, f"{transport.name} transport not supported by this end point type")


def _text(status: HTTPStatus, text: str = "") -> web.Response:
    return web.Response(status=status, text=text)
