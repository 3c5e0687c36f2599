"""What one client has sent on its way in: as fast as the app takes its calls, and a little in each turn."""

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Final, Protocol

from serverless_signalr.protocol.messages import ProtocolError
from signalr_local.emulator.channel import Channel
from signalr_local.emulator.dispatcher import Dispatcher
from signalr_local.emulator.protocols import Frame
from signalr_local.emulator.splitters import Splitter

__all__ = ["TURN_BYTES", "TURN_FRAMES", "Intake", "Taker"]

TURN_FRAMES: Final = 256
TURN_BYTES: Final = 256 * 1024
"""After so many messages, or bytes of them, everybody else comes first: a post may hold a million pings."""


class Taker(Protocol):
    """A connection, as far as it takes messages in."""

    channel: Channel
    dispatcher: Dispatcher

    @property
    def is_ended(self) -> bool:
        """Whether nothing more is taken in."""

    def take(self, frame: Frame) -> None:
        """Take a message in."""

    def refuse(self, cause: str) -> None:
        """Close the connection because of something that the client sent."""

    def end(self, cause: str | None = None) -> None:
        """Leave the hub."""


class Intake:
    """Hand the messages of one client to its connection, one after the other.

    The client's socket is not read while messages are left that were not handed over.
    """

    __slots__ = ("_cause", "_is_last", "_reader", "_taker", "_unread")

    def __init__(self, taker: Taker, reader: Splitter) -> None:
        self._taker = taker
        self._reader = reader
        self._unread: deque[Iterator[Frame]] | None = None
        self._is_last = False
        self._cause: str | None = None

    def feed(self, data: bytes) -> None:
        """Take in what the client sent."""
        frames = self._reader.feed(data)
        if self._unread is not None:
            self._unread.append(frames)
        elif not self._read(frames):
            self._unread = deque((frames,))
            self._taker.channel.pause_reading()
            self._read_later()

    def go_on(self) -> None:
        """Hand over more of what is left; after the last of it read the socket again."""
        unread = self._unread
        if unread and self._read(unread[0]):
            unread.popleft()
        if unread:
            self._read_later()
            return
        self._unread = None
        if self._is_last:
            self._taker.end(self._cause)
        elif not self._taker.dispatcher.is_full:
            self._taker.channel.resume_reading()

    def finish(self, cause: str | None) -> None:
        """End the connection once what the client sent until now was handed over, however busy the app is."""
        self._is_last, self._cause = True, cause
        self.go_on()

    def restart(self, reader: Splitter) -> None:
        """Forget what is left, and begin anew with another socket."""
        self._reader, self._unread = reader, None
        if self._taker.dispatcher.is_full:
            self._taker.channel.pause_reading()

    def clear(self) -> None:
        """Forget what is left."""
        self._unread = None

    def _read_later(self) -> None:
        # A dispatcher that is full calls when it has room again.
        if self._is_last or not self._taker.dispatcher.is_full:
            asyncio.get_running_loop().call_soon(self.go_on)

    def _read(self, frames: Iterator[Frame]) -> bool:
        """Hand messages over; return False if some are left for later."""
        taker = self._taker
        count, size = 0, 0
        try:
            for frame in frames:
                if taker.is_ended:
                    break
                taker.take(frame)
                if taker.dispatcher.is_full and not self._is_last:
                    return False
                count += 1
                size += len(frame)
                if count >= TURN_FRAMES or size >= TURN_BYTES:
                    return False
        except ProtocolError as error:
            taker.refuse(str(error))
        except Exception as error:  # noqa: BLE001 - a client is told goodbye whatever it has sent
            taker.refuse(f"{type(error).__name__}: {error}")
        return True
