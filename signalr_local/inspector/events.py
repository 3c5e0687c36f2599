"""The events that a journal keeps: what happened, with references to what it happened to.

An event is made in the middle of what it tells of, so it only takes values; ``records`` makes JSON of it
when somebody looks.
"""

from typing import Any, ClassVar

import msgspec

from serverless_signalr.protocol.upstream import UpstreamEvent

__all__ = [
    "ClientAnswered",
    "ClientCalled",
    "ClientNegotiated",
    "ConnectionClosed",
    "ConnectionOpened",
    "Event",
    "HostEvent",
    "LogLine",
    "MessageReceived",
    "RequestRefused",
    "ServiceRequest",
    "UpstreamRequest",
    "UpstreamResponse",
]


class Event(msgspec.Struct, kw_only=True, gc=False):
    """Something that happened; the journal gives it number and time.

    ``trace_id`` is what it has in common with the events that it led to, and with those that led to it.
    """

    kind: ClassVar[str] = ""

    seq: int = 0
    at: float = 0.0
    trace_id: str | None = None

    @property
    def size(self) -> int:
        """How many bytes it keeps alive, beside itself."""
        return 0


class _WithBody(Event, kw_only=True, gc=False):
    body: bytes = b""

    @property
    def size(self) -> int:
        return len(self.body)


class ClientNegotiated(Event, kw_only=True, gc=False):
    """A client was told how to connect."""

    kind: ClassVar[str] = "client_negotiated"

    hub: str
    connection_id: str
    user_id: str | None


class ConnectionOpened(Event, kw_only=True, gc=False):
    """A client has shaken hands."""

    kind: ClassVar[str] = "connection_opened"

    hub: str
    connection_id: str
    user_id: str | None
    transport: str
    protocol: str


class ConnectionClosed(Event, kw_only=True, gc=False):
    """A connection has ended; ``reason`` is None where the client simply left."""

    kind: ClassVar[str] = "connection_closed"

    hub: str
    connection_id: str
    user_id: str | None
    reason: str | None


class RequestRefused(Event, kw_only=True, gc=False):
    """A request of a client was refused."""

    kind: ClassVar[str] = "request_refused"

    method: str
    path: str
    hub: str | None
    status: int
    reason: str


class ClientCalled(_WithBody, kw_only=True, gc=False):
    """A client has called a method of the hub."""

    kind: ClassVar[str] = "client_called"

    hub: str
    connection_id: str
    user_id: str | None
    target: str
    invocation_id: str | None
    protocol: str


class UpstreamRequest(_WithBody, kw_only=True, gc=False):
    """An event is sent to the app."""

    kind: ClassVar[str] = "upstream_request"

    event: UpstreamEvent
    url: str | None
    content_type: str


class UpstreamResponse(_WithBody, kw_only=True, gc=False):
    """The app has answered an event, or has not; then ``error`` says why."""

    kind: ClassVar[str] = "upstream_response"

    event: UpstreamEvent
    status: int | None
    error: str | None
    seconds: float


class ClientAnswered(_WithBody, kw_only=True, gc=False):
    """A call of a client was answered with its completion."""

    kind: ClassVar[str] = "client_answered"

    hub: str
    connection_id: str
    user_id: str | None
    target: str
    invocation_id: str
    error: str | None
    protocol: str
    seconds: float


class ServiceRequest(_WithBody, kw_only=True, gc=False):
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


class MessageReceived(_WithBody, kw_only=True, gc=False):
    """A client that the inspector plays has received a message."""

    kind: ClassVar[str] = "message_received"

    hub: str
    connection_id: str
    user_id: str | None
    target: str


class LogLine(Event, kw_only=True, gc=False):
    """A line of the log."""

    kind: ClassVar[str] = "log"

    category: str
    level: str
    message: str
    function: str | None
    invocation_id: str | None
    exception: tuple[str, str, str] | None

    @property
    def size(self) -> int:
        """How many bytes it keeps alive, beside itself."""
        return len(self.message)


class HostEvent(Event, kw_only=True, gc=False):
    """What the host tells in the words of ``func start --output=json``."""

    name: str
    fields: dict[str, Any]
