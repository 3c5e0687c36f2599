"""Stateful reconnect: what both sides of a connection have received, and what is to be sent again.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md, "Sequence" and
"Ack", and the MessageBuffer of Microsoft's JavaScript client. Each side counts its calls, stream items and
completions from 1. On a new socket each says with which number it goes on, and repeats what was not
acknowledged; the other side drops what it has received already.
"""

from collections import deque
from collections.abc import Callable, Iterable

from serverless_signalr.protocol.messages import HubMessage, ProtocolError
from signalr_local.emulator.backlog import Backlog
from signalr_local.emulator.protocols import Encoded, is_counted

__all__ = ["Resumption"]


class Resumption:
    """The numbers of one connection, and the messages to its client that are not acknowledged yet.

    ``cut_off`` is called when the backlog says that too much waits here.
    """

    __slots__ = (
        "_backlog",
        "_expected",
        "_first",
        "_is_resuming",
        "_messages",
        "_received",
        "cut_off",
        "size",
    )

    def __init__(self, backlog: Backlog, cut_off: Callable[[], None]) -> None:
        self.cut_off = cut_off
        self.size = 0
        self._backlog = backlog
        self._messages: deque[Encoded] = deque()
        self._first = 1
        self._expected = 1
        self._received = 0
        self._is_resuming = False

    @property
    def next_sequence(self) -> int:
        """The number of the message that ``unacknowledged`` begins with."""
        return self._first

    @property
    def unacknowledged(self) -> Iterable[Encoded]:
        """The messages that the client may not have received, the oldest first."""
        return tuple(self._messages)

    @property
    def received(self) -> int:
        """The number of the client's latest message."""
        return self._received

    def sent(self, message: Encoded) -> None:
        """Keep a message until the client acknowledges it."""
        self._messages.append(message)
        self.size += message.size
        self._backlog.update(self, len(self._messages))

    def acknowledge(self, number: int) -> None:
        """Forget the messages up to a number. One that was never sent acknowledges what there is."""
        while self._messages and self._first <= number:
            self.size -= self._messages.popleft().size
            self._first += 1
        self._backlog.update(self, len(self._messages))

    def interrupt(self) -> None:
        """Take note of a new socket: the client first says with which number it goes on."""
        self._is_resuming = True

    def go_on(self, number: int) -> None:
        """Take note of the number of the client's next message. Raise ProtocolError if some are missing."""
        if number > self._expected or number < 1:
            raise ProtocolError(
                f"the client goes on with message {number}, and message {self._expected} has not come"
            )
        self._expected = number
        self._is_resuming = False

    def is_new(self, message: HubMessage | None) -> bool:
        """Tell whether a message is to be handled: neither a repetition, nor before the client's number."""
        if self._is_resuming:
            return False
        if not is_counted(message):
            return True
        number = self._expected
        self._expected += 1
        if number <= self._received:
            return False
        self._received = number
        return True

    def close(self) -> None:
        """Forget everything."""
        self._messages.clear()
        self.size = 0
        self._backlog.remove(self)
