"""The WebSocket transport.

A client that only waits costs no task: what it sends and is sent is handled by callbacks of its socket, which
is taken over from the HTTP server once the client has asked for the upgrade.
"""

import asyncio
import logging
import os
from collections.abc import Callable

from aiohttp import web

from signalr_local.emulator.delivery import Delivery
from signalr_local.emulator.frames import (
    NORMAL,
    PROTOCOL_ERROR,
    FrameError,
    FrameReader,
    Opcode,
    accept_key,
    close_frame,
    frame,
)
from signalr_local.emulator.joining import frame_of, take_joined
from signalr_local.emulator.protocols import Encoded
from signalr_local.emulator.resumable import ResumableConnection
from signalr_local.emulator.session import Open, Session
from signalr_local.emulator.terms import Terms
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.transports import WEBSOCKETS
from signalr_local.emulator.upgrade import take_over

__all__ = ["WebSocketSession"]

_NONE = -1

_log = logging.getLogger(__name__)


class WebSocketSession(Session, asyncio.Protocol):
    """Serve one WebSocket from its upgrade to its end."""

    transport = WEBSOCKETS

    __slots__ = (
        "_close_code",
        "_descriptor",
        "_has_closed",
        "_is_broken",
        "_is_finished",
        "_is_held",
        "_is_paused",
        "_queue",
        "_reader",
        "_socket",
        "size",
    )

    def __init__(
        self,
        open_connection: Open,
        timing: Timing,
        terms: Terms,
        delivery: Delivery,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(open_connection, timing, terms, delivery, on_end)
        self._socket: asyncio.Transport | None = None
        self._descriptor = _NONE
        self._reader = FrameReader()
        self._queue: list[Encoded] = []
        self._is_paused = False
        self._is_held = False
        self._is_finished = False
        self._has_closed = False
        self._is_broken = False
        self._close_code = NORMAL
        self.size = 0
        """How many bytes wait because the client does not read."""

    def accept(self, request: web.BaseRequest, key: str) -> None:
        """Take over the socket of an upgrade request that ``upgrade_key`` has found to be valid."""
        socket, early = take_over(request)
        socket.set_protocol(self)
        # Whatever cannot be written at once is held here, where it is counted.
        socket.set_write_buffer_limits(0)
        # A client may have asked for the upgrade before it read an earlier response.
        self._is_paused = socket.get_write_buffer_size() > 0
        self._socket = socket
        if os.name == "posix" and isinstance(self._loop, asyncio.SelectorEventLoop):
            self._descriptor = socket.get_extra_info("socket").fileno()
        socket.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept_key(key).encode()
        )
        if early:
            self.data_received(early)

    def put(self, message: Encoded) -> None:
        """Queue a message, to be sent at the end of this turn of the loop."""
        queue = self._queue
        if self._is_paused:
            queue.append(message)
            self.size += message.size
            self._delivery.backlog.update(self, len(queue))
        elif not self._is_finished:
            if not queue:
                # Once for each of many clients: a call would cost a tenth of what is ours here.
                touched = self._delivery.touched
                if not touched:
                    self._delivery.arm()
                touched.append(self)
            queue.append(message)

    def flush(self) -> None:
        """Send what is queued, as far as the client reads."""
        queue = self._queue
        if not queue or self._is_paused:
            return
        self.last_sent = self._delivery.now
        while queue and not self._is_paused:
            if len(queue) == 1:
                message = queue.pop()
                self.size = 0
                data = message.frame or frame_of(message)
            else:
                data, size = take_joined(queue)
                self.size = max(0, self.size - size)
            self.sent += len(data)
            if self._descriptor >= 0:
                # The transport does the same, at a higher price for each of many clients.
                try:
                    sent = os.write(self._descriptor, data)
                except OSError:
                    # Either the client does not read, or the transport is about to learn that it is gone.
                    sent = 0
                if sent == len(data):
                    continue
                data = data[sent:]
            if self._socket is not None:
                # No buffer holds anything while writing is not paused.
                self._socket.write(data)

    def finish(self, within: float) -> None:
        """Send the closing frame after what is queued; cut the client off if it does not hang up in time."""
        self.flush()
        self._is_finished = True
        self._abort_after(within)
        self._say_goodbye()

    def abort(self) -> None:
        """Cut the client off."""
        self._descriptor = _NONE
        if self._socket is not None:
            self._socket.abort()

    def cut_off(self) -> None:
        """Give up a client that reads too slowly."""
        waiting, self.size = self.size, 0
        self._queue.clear()
        if self._connection is not None:
            self._connection.cut_off(waiting)
        self.abort()

    def pause_reading(self) -> None:
        """Take nothing in from the client until ``resume_reading``."""
        if self._socket is not None and not self._socket.is_closing():
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Take in again what the client sends."""
        if self._socket is not None and not self._socket.is_closing():
            self._socket.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Take in what arrived."""
        if self._is_broken:
            return
        # However many frames they came in, the messages are taken in together.
        pieces: list[bytes] = []
        try:
            for opcode, payload in self._reader.feed(data):
                if opcode < Opcode.CLOSE:
                    pieces.append(payload)
                elif opcode is Opcode.CLOSE:
                    self.receive(b"".join(pieces))
                    self._answer_goodbye()
                    return
                elif opcode is Opcode.PING:
                    self._pong(payload)
            if pieces:
                self.receive(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        except FrameError as error:
            self.receive(b"".join(pieces))
            self._is_broken = True
            self._close_code = PROTOCOL_ERROR
            if self._connection is not None:
                self._connection.refuse(f"the WebSocket protocol is broken: {error}")
            else:
                self._settle()
                _log.warning("A client is refused: the WebSocket protocol is broken: %s.", error)
                self.finish(self._timing.close)

    def eof_received(self) -> None:
        """Hang up on a client that has hung up without a closing frame."""
        self.abort()

    @property
    def is_resumable(self) -> bool:
        """Whether another socket may go on with this connection."""
        return isinstance(self._connection, ResumableConnection) and not self._connection.is_ended

    def resume(self, other: "WebSocketSession") -> None:
        """Go on with the connection of another session, whose socket is gone or no longer needed."""
        connection = other._release()
        self._settle()
        self._open = None
        self._is_told = False
        self._connection = connection
        connection.on_told = self._told
        connection.resume(self)

    def _release(self) -> ResumableConnection:
        connection, self._connection = self._connection, None
        assert isinstance(connection, ResumableConnection)  # noqa: S101 - is_resumable said so
        self._is_told, self._on_end = True, None
        self.abort()
        return connection

    def pause_writing(self) -> None:
        """Queue from now on: the client does not read as fast as it is sent to."""
        self._is_paused = True
        if self._queue:
            self.size = self.size or sum(message.size for message in self._queue)
            self._delivery.backlog.update(self, len(self._queue))

    def resume_writing(self) -> None:
        """Send what was queued meanwhile."""
        if self._is_held:
            return
        self._is_paused = False
        self.flush()
        self._delivery.backlog.update(self, len(self._queue))
        if self._is_finished:
            self._say_goodbye()

    def hold(self) -> None:
        """Send nothing until ``release``, as if the client did not read: messages pile up."""
        self._is_held = True
        self.pause_writing()

    def release(self) -> None:
        """Send again, first what has piled up."""
        self._is_held = False
        if self._socket is not None and not self._socket.get_write_buffer_size():
            self.resume_writing()

    def connection_lost(self, _: Exception | None) -> None:
        """Take note that the socket is gone."""
        self._socket, self._descriptor = None, _NONE
        self._queue.clear()
        self._delivery.backlog.remove(self)
        self._hung_up()

    def _pong(self, payload: bytes) -> None:
        # A client that asks for answers without reading any gets none.
        # That a test holds the client's messages back is no reason, as long as the socket takes bytes.
        socket = self._socket
        is_full = self._is_paused and not (self._is_held and socket and not socket.get_write_buffer_size())
        if socket is not None and not (is_full or self._is_finished or socket.is_closing()):
            self.flush()
            socket.write(frame(Opcode.PONG, payload))

    def _say_goodbye(self) -> None:
        if self._socket is not None and not (self._queue or self._is_paused or self._has_closed):
            self._has_closed = True
            self._socket.write(close_frame(self._close_code))

    def _answer_goodbye(self) -> None:
        self._is_broken = True
        if self._connection is not None:
            self._connection.leave()
        self.flush()
        self._say_goodbye()
        self._descriptor = _NONE
        if self._socket is not None:
            self._socket.close()
            self._abort_after(self._timing.close)

    def _abort_after(self, seconds: float) -> None:
        self._settle()
        self._timer = self._loop.call_later(seconds, self.abort)
