"""Negotiate: what a client may connect with, and the id that it connects with.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md.
"""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from signalr_local.emulator.terms import Terms
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.transports import TRANSPORTS
from signalr_local.emulator.websocket import WebSocketSession

__all__ = ["Ticket", "TicketTakenError", "Tickets", "new_id", "response", "version_of"]

_MAX_VERSION = 1

_log = logging.getLogger(__name__)


class TicketTakenError(Exception):
    """Say that a connection with this id is there already."""


@dataclass(slots=True)
class Ticket:
    """The right of one client to connect to one hub.

    ``token`` is secret, ``connection_id`` is what others may know. ``early`` is what the client posted
    before it asked for anything. A stateful connection may be gone on with on another socket.
    """

    token: str
    connection_id: str
    hub: str
    issued: float
    is_taken: bool = False
    early: bytearray = field(default_factory=bytearray)
    is_stateful: bool = False
    session: "WebSocketSession | None" = None

    def take_early(self) -> bytes:
        """Return what the client posted early, which is then no longer here."""
        early, self.early = bytes(self.early), bytearray()
        return early


class Tickets:
    """Keep the tickets of clients that negotiated: for a while until they connect, then until they leave."""

    def __init__(self, timing: Timing, clock: Callable[[], float] = time.monotonic) -> None:
        self._timing = timing
        self._clock = clock
        self._open: dict[str, Ticket] = {}
        self._taken: dict[str, Ticket] = {}

    def issue(self, hub: str, version: int) -> Ticket:
        """Return a new ticket. In version 0 of the protocol its token is the connection id itself."""
        self._drop_expired()
        connection_id = new_id()
        token = connection_id if version == 0 else new_id()
        ticket = self._open[token] = Ticket(token, connection_id, hub, self._clock())
        return ticket

    def find(self, token: str, hub: str) -> Ticket | None:
        """Return the ticket with this token, unless it has expired or is for another hub."""
        self._drop_expired()
        ticket = self._open.get(token) or self._taken.get(token)
        return ticket if ticket is not None and ticket.hub == hub else None

    def take(self, ticket: Ticket) -> None:
        """Mark a ticket as in use. Raise TicketTakenError if it is."""
        if ticket.is_taken:
            raise TicketTakenError
        late = self._clock() - ticket.issued
        if late > self._timing.prompt_connect:
            _log.warning(
                "A client connected %.1f seconds after it negotiated. Azure answers 404 after %g seconds.",
                late,
                self._timing.prompt_connect,
            )
        ticket.is_taken = True
        self._taken[ticket.token] = self._open.pop(ticket.token)

    def give_back(self, ticket: Ticket) -> None:
        """Forget a ticket whose connection has ended: it opens nothing again."""
        self._taken.pop(ticket.token, None)

    def _drop_expired(self) -> None:
        # The oldest come first, since all live equally long.
        deadline = self._clock() - self._timing.negotiated_id
        while self._open and (ticket := next(iter(self._open.values()))).issued < deadline:
            del self._open[ticket.token]


def new_id() -> str:
    """Return an id as the service makes them: 22 characters that a URL can carry."""
    return secrets.token_urlsafe(16)


def version_of(text: str | None) -> int:
    """Return the protocol version to answer in. Raise ValueError with the text that the client shows."""
    if text is None:
        return 0
    try:
        version = int(text)
    except ValueError:
        raise ValueError("The client requested a non-integer protocol version.") from None
    if version < 0:
        raise ValueError(
            f"The client requested version '{version}', but the server does not support this version."
        )
    return min(version, _MAX_VERSION)


def response(ticket: Ticket, version: int, terms: Terms) -> dict[str, object]:
    """Return the answer to a negotiate request, with the transports that the client may choose from."""
    answer: dict[str, object] = {"negotiateVersion": version, "connectionId": ticket.connection_id}
    if version > 0:
        answer["connectionToken"] = ticket.token
    if ticket.is_stateful:
        answer["useStatefulReconnect"] = True
    answer["availableTransports"] = [
        {"transport": transport.name, "transferFormats": list(transport.formats)}
        for transport in TRANSPORTS
        if transport.is_allowed(terms)
    ]
    return answer
