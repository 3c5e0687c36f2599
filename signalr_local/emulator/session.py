"""What every transport has in common: the handshake, then the connection, and how both end."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from serverless_signalr.protocol.messages import ProtocolError
from signalr_local.emulator.channel import Channel
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.delivery import Delivery
from signalr_local.emulator.opening import ACCEPTED, LATE, Accepted, Opening, refusal
from signalr_local.emulator.protocols import Encoded
from signalr_local.emulator.terms import Terms
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.transports import Transport

__all__ = ["Open", "Session"]

type Open = Callable[[Accepted, Channel], Connection]
"""Make the connection once the handshake is known."""


class Session(ABC):
    """One client on one transport, from its first byte until the app was told that it is gone."""

    transport: Transport

    __slots__ = (
        "_connection",
        "_delivery",
        "_is_hung_up",
        "_is_told",
        "_loop",
        "_on_end",
        "_open",
        "_opened",
        "_opening",
        "_timer",
        "_timing",
        "last_sent",
        "received",
        "sent",
    )

    def __init__(
        self,
        open_connection: Open,
        timing: Timing,
        terms: Terms,
        delivery: Delivery,
        on_end: Callable[[], None],
    ) -> None:
        """Wait for the handshake; ``on_end`` is called once nothing is left of the client."""
        self._open: Open | None = open_connection
        self._opening: Opening | None = Opening(self.transport, delivery.limits.handshake)
        self._timing = timing
        self._delivery = delivery
        self._on_end: Callable[[], None] | None = on_end
        self._connection: Connection | None = None
        self._is_hung_up = False
        self._is_told = True
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(
            terms.handshake or timing.handshake, self._refuse, LATE
        )
        self.last_sent = self._opened = timing.clock.monotonic()
        """When something was last sent, and when the session began, on the clock."""
        self.received = self.sent = 0
        """How many bytes came from the client and went to it, without the frames of the transport."""

    def stop(self) -> None:
        """Ask the client to reconnect and end; one that has not shaken hands is just cut off."""
        if self._connection is not None:
            self._connection.close()
        else:
            self.abort()

    @property
    def connection(self) -> Connection | None:
        """The connection, once the client has shaken hands."""
        return self._connection

    @property
    def age(self) -> float:
        """How long it has been there, in seconds."""
        return self._timing.clock.monotonic() - self._opened

    def cancel(self) -> None:
        """Give the client up at once, and what the app was still to be told of it."""
        self.abort()
        if self._connection is not None:
            self._connection.dispatcher.cancel()

    @abstractmethod
    def put(self, message: Encoded) -> None:
        """Queue a message for the client."""

    @abstractmethod
    def flush(self) -> None:
        """Send what is queued, as far as the client takes it."""

    def flush_now(self) -> None:
        """Send what is queued before the end of this turn of the loop."""
        self._delivery.flush_one(self)

    @abstractmethod
    def hold(self) -> None:
        """Send nothing until ``release``, as if the client did not read: messages pile up."""

    @abstractmethod
    def release(self) -> None:
        """Send again, first what has piled up."""

    @abstractmethod
    def pause_reading(self) -> None:
        """Take nothing in from the client until ``resume_reading``."""

    @abstractmethod
    def resume_reading(self) -> None:
        """Take in again what the client sends."""

    @abstractmethod
    def finish(self, within: float) -> None:
        """Hang up once everything queued is sent; cut the client off if that takes longer, in seconds."""

    @abstractmethod
    def abort(self) -> None:
        """Cut the client off."""

    def receive(self, data: bytes) -> None:
        """Take in what the client sent."""
        self.received += len(data)
        if self._connection is not None:
            self._connection.receive(data)
        elif self._opening is not None:
            try:
                accepted = self._opening.feed(data)
            except ProtocolError as error:
                self._refuse(str(error), error.__cause__)
                return
            if accepted is not None:
                self._begin(accepted)

    def _begin(self, accepted: Accepted) -> None:
        assert self._open is not None  # noqa: S101 - there is one handshake
        self._settle()
        self._is_told = False
        connection = self._connection = self._open(accepted, self)
        connection.on_told = self._told
        self._open = None
        self.put(Encoded(ACCEPTED, accepted.protocol.is_text))
        self.flush_now()
        connection.start()
        if accepted.rest:
            connection.receive(accepted.rest)

    def _refuse(self, error: str, cause: BaseException | None = None) -> None:
        self._settle()
        self.put(Encoded(refusal(error, cause), True))
        self.finish(self._timing.close)

    def _settle(self) -> None:
        self._opening = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hung_up(self) -> None:
        """Take note that the transport is gone."""
        self._is_hung_up = True
        self._settle()
        if self._connection is not None:
            self._connection.lost()
        self._end()

    def _told(self) -> None:
        self._is_told = True
        self._end()

    def _end(self) -> None:
        if self._is_told and self._is_hung_up and self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            on_end()
