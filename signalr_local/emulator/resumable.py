"""A connection that outlives its socket: stateful reconnect."""

import logging
from collections.abc import Callable
from typing import Any

from serverless_signalr.protocol.messages import Ack, HubMessage, Sequence
from signalr_local.clock import Scheduled
from signalr_local.emulator.backlog import Backlog
from signalr_local.emulator.channel import Channel
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.protocols import Encoded, is_counted
from signalr_local.emulator.resumption import Resumption

__all__ = ["ResumableConnection"]

_ACK_DELAY = 1.0
"""How long a message waits to be acknowledged, in seconds, so that one acknowledgement does for many."""

_log = logging.getLogger(__name__)


class ResumableConnection(Connection):
    """Keep what the client has not acknowledged, and send it again on the client's next socket.

    A client that does not come back in time has left.
    """

    __slots__ = ("_ack", "_max_message", "_patience", "_resumption")

    def __init__(self, *arguments: Any, backlog: Backlog, max_message: int, **options: Any) -> None:
        super().__init__(*arguments, max_message=max_message, **options)
        self._max_message = max_message
        self._resumption = Resumption(backlog, self._overflow)
        self._ack: Scheduled | None = None
        self._patience: Scheduled | None = None
        self.put: Callable[[Encoded], None] = self._keep

    def lost(self) -> None:
        """Wait for the client's next socket."""
        if self._is_ended or self._patience is not None:
            return
        _log.info("%s has lost its socket.", self)
        self._patience = self._timing.clock.call_later(self._timing.resume, self.leave)

    def resume(self, channel: Channel) -> None:
        """Go on with another socket: what the client may not have received is sent again."""
        self._wait_no_longer()
        self.channel = channel
        # What came in part on the old socket comes again, and so does what was not looked at yet.
        self._intake.restart(self.protocol.reader(self._max_message))
        self._last_received = self._timing.clock.monotonic()
        self._resumption.interrupt()
        self._say(Sequence(self._resumption.next_sequence))
        for message in self._resumption.unacknowledged:
            channel.put(message)
        _log.info("%s goes on.", self)

    def end(self, cause: str | None = None, told: str | None = None) -> None:
        """Leave the hub and take in nothing more. Ending twice is no error; the first cause counts."""
        self._wait_no_longer()
        if self._ack is not None:
            self._ack.cancel()
        self._resumption.close()
        super().end(cause, told)

    def _wait_no_longer(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _keep(self, message: Encoded) -> None:
        if message.is_counted and not self._is_ended:
            self._resumption.sent(message)
        self.channel.put(message)

    def _put(self, data: bytes) -> None:
        # An app may answer with several messages at a time, each of which has a number.
        for frame in self.protocol.reader(len(data)).feed(data):
            if not self._is_ended:
                counts = is_counted(self.protocol.parse(frame))
                self.put(Encoded(self.protocol.frame(frame), self.protocol.is_text, is_counted=counts))

    def _accepts(self, message: HubMessage | None) -> bool:
        match message:
            case Ack():
                self._resumption.acknowledge(message.sequence_id)
                return False
            case Sequence():
                self._resumption.go_on(message.sequence_id)
                return False
        if not self._resumption.is_new(message):
            return False
        if is_counted(message) and self._ack is None:
            self._ack = self._timing.clock.call_later(_ACK_DELAY, self._acknowledge)
        return True

    def _acknowledge(self) -> None:
        self._ack = None
        self._say(Ack(self._resumption.received))

    def _say(self, message: Ack | Sequence) -> None:
        data = self.protocol.encode(message)
        self.channel.put(Encoded(data, self.protocol.is_text, is_counted=False))

    def _overflow(self) -> None:
        self.cut_off(self._resumption.size)
        self.channel.abort()
