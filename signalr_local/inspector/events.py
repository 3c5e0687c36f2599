"""The events that a journal keeps: what happened, with references to what it happened to.

An event is made in the middle of what it tells of, so it only takes values; ``records`` makes JSON of it
when somebody looks. Those that every call of a client leads to are not even made then: see ``Entry``.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from serverless_signalr.protocol.upstream import UpstreamEvent

__all__ = [
    "ClientAnswered",
    "ClientCalled",
    "ClientNegotiated",
    "ConnectionClosed",
    "ConnectionOpened",
    "Entry",
    "Event",
    "HostEvent",
    "LogLine",
    "MessageReceived",
    "RequestRefused",
    "ServiceRequest",
    "UpstreamRequest",
    "UpstreamResponse",
    "event_of",
]


class Event(msgspec.Struct, kw_only=True, gc=False):
    """Something that happened; the journal gives it number and time.

    ``trace_id`` is what it has in common with the events that it led to, and with those that led to it.
    """

    kind: ClassVar[str] = ""

    seq: int = 0
    at: float = 0.0
    trace_id: str | None = None


class ClientNegotiated(Event, kw_only=True, gc=False):
    """A client was told how to connect."""

    kind: ClassVar[str] = "client_negotiated"

    hub: str
    connection_id: str
    user_id: str | None


class ConnectionOpened(Event, kw_only=True, gc=False):
    """A client has shaken hands."""

    kind: ClassVar[str] = "connection_opened"

    client: UpstreamEvent
    transport: str
    protocol: str


class ConnectionClosed(Event, kw_only=True, gc=False):
    """A connection has ended; ``reason`` is None where the client simply left."""

    kind: ClassVar[str] = "connection_closed"

    client: UpstreamEvent
    reason: str | None


class RequestRefused(Event, kw_only=True, gc=False):
    """A request of a client was refused."""

    kind: ClassVar[str] = "request_refused"

    method: str
    path: str
    hub: str | None
    status: int
    reason: str


class ClientCalled(Event, gc=False):
    """A client has called a method of the hub."""

    kind: ClassVar[str] = "client_called"

    client: UpstreamEvent
    target: str
    invocation_id: str | None
    protocol: str
    body: bytes


class UpstreamRequest(Event, gc=False):
    """An event is sent to the app."""

    kind: ClassVar[str] = "upstream_request"

    event: UpstreamEvent
    url: str | None
    content_type: str
    body: bytes


class UpstreamResponse(Event, gc=False):
    """The app has answered an event, or has not; then ``error`` says why."""

    kind: ClassVar[str] = "upstream_response"

    event: UpstreamEvent
    status: int | None
    error: str | None
    seconds: float
    body: bytes


class ClientAnswered(Event, gc=False):
    """A call of a client was answered with its completion."""

    kind: ClassVar[str] = "client_answered"

    client: UpstreamEvent
    target: str
    invocation_id: str
    error: str | None
    protocol: str
    seconds: float
    body: bytes


class ServiceRequest(Event, kw_only=True, gc=False):
    """A request to the REST API; ``reached`` is None where it sends nothing."""

    kind: ClassVar[str] = "service_request"

    method: str
    path: str
    hub: str | None
    names: dict[str, str]
    target: str | None
    reached: int | None
    receivers: list[str]
    status: int
    error: str | None
    content_type: str
    seconds: float
    body: bytes = b""


class MessageReceived(Event, kw_only=True, gc=False):
    """A client that the inspector plays has received a message."""

    kind: ClassVar[str] = "message_received"

    hub: str
    connection_id: str
    user_id: str | None
    target: str
    body: bytes = b""


class LogLine(Event, gc=False):
    """A line of the log."""

    kind: ClassVar[str] = "log"

    category: str
    level: int
    message: str
    function: str | None
    invocation_id: str | None
    exception: tuple[str, str, str] | None


class HostEvent(Event, gc=False):
    """What the host tells in the words of ``func start --output=json``."""

    name: str
    fields: dict[str, Any]


type _Call = tuple[type[ClientCalled], int, float, str | None, UpstreamEvent, str, str | None, str, bytes]
type _Request = tuple[type[UpstreamRequest], int, float, str | None, UpstreamEvent, str | None, str, bytes]
type _Response = tuple[
    type[UpstreamResponse],
    *tuple[int, float, str | None, UpstreamEvent, int | None, str | None, float, bytes],
]
type _Answer = tuple[
    type[ClientAnswered],
    *tuple[int, float, str | None, UpstreamEvent, str, str, str | None, str, float, bytes],
]
type _Line = tuple[
    type[LogLine],
    *tuple[int, float, str | None, str, int, str, str | None, str | None, tuple[str, str, str] | None],
]
type _Told = tuple[type[HostEvent], int, float, str | None, str, dict[str, Any]]

type Entry = _Call | _Request | _Response | _Answer | _Line | _Told
"""An event that is not made yet: its class, number, time and trace, and its fields in their order.

To make it takes as long as everything else that is recorded of a call.
"""


def event_of(entry: Entry) -> Event:
    """Make the event of an entry."""
    make: Callable[..., Event]
    make, seq, at, trace_id, *fields = entry
    return make(*fields, seq=seq, at=at, trace_id=trace_id)
