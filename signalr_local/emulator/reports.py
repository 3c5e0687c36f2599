"""What the journal is told of one connection: nothing, where there is none."""

from time import perf_counter, time
from typing import NamedTuple

from serverless_signalr.protocol.messages import Invocation, StreamInvocation
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator.protocols import Frame
from signalr_local.inspector.events import ClientAnswered, ClientCalled, ConnectionClosed, ConnectionOpened
from signalr_local.inspector.journal import LIGHT, Journal

__all__ = ["Reports", "Waiting"]

type Event = Invocation | StreamInvocation | str
"""A call of the client, or the name of an event of its connection."""


class Waiting(NamedTuple):
    """An event on its way to the app, and when it began."""

    event: Event
    body: bytes
    trace_id: str
    began: float

    @property
    def name(self) -> str:
        """The name of the event."""
        return self.event if isinstance(self.event, str) else self.event.target


class Reports:
    """Tell the journal what becomes of a client."""

    __slots__ = ("_client", "_journal", "_protocol")

    def __init__(self, journal: Journal | None, client: UpstreamEvent, protocol: str) -> None:
        self._journal = journal
        self._client = client
        self._protocol = protocol

    def opened(self, transport: str, trace_id: str) -> None:
        """Tell that the client has shaken hands."""
        if self._journal is not None:
            self._journal.add(
                ConnectionOpened(
                    client=self._client,
                    transport=transport,
                    protocol=self._protocol,
                    trace_id=trace_id,
                )
            )

    def closed(self, reason: str | None, trace_id: str) -> None:
        """Tell that the client is gone."""
        if self._journal is not None:
            self._journal.add(
                ConnectionClosed(
                    client=self._client,
                    reason=reason,
                    trace_id=trace_id,
                )
            )

    def called(self, message: Invocation | StreamInvocation, frame: Frame, trace_id: str) -> None:
        """Tell what the client calls."""
        journal = self._journal
        if journal is not None:
            journal.append(
                (
                    ClientCalled,
                    journal.number(),
                    time(),
                    trace_id,
                    self._client,
                    message.target,
                    message.invocation_id,
                    self._protocol,
                    frame,
                )
            )
            if len(frame) > LIGHT:
                journal.weigh(len(frame))

    def answered(self, call: Waiting, invocation_id: str, data: bytes, error: str | None) -> None:
        """Tell what the client is answered."""
        journal = self._journal
        if journal is not None:
            seconds = perf_counter() - call.began
            journal.append(
                (
                    ClientAnswered,
                    journal.number(),
                    time(),
                    call.trace_id,
                    self._client,
                    call.name,
                    invocation_id,
                    error,
                    self._protocol,
                    seconds,
                    data,
                )
            )
            if len(data) > LIGHT:
                journal.weigh(len(data))
