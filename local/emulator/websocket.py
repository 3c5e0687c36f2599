"""The WebSocket transport: handshake, reader and writer of one client."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from aiohttp import WSMsgType, web

from local.emulator.connection import Connection
from local.emulator.protocols import PROTOCOLS, HubProtocol
from local.emulator.timing import Timing
from signalr.protocol import handshake
from signalr.protocol.json_protocol import RECORD_SEPARATOR
from signalr.protocol.messages import ProtocolError

__all__ = ["WebSocketSession"]

_SEPARATOR = RECORD_SEPARATOR.encode()
_MAX_VERSION = 2
_GARBAGE = "An unexpected error occurred during connection handshake."
_LATE = "Handshake was canceled."
_DATA = (WSMsgType.TEXT, WSMsgType.BINARY)

type Open = Callable[[HubProtocol, Callable[[], None]], Connection]
"""Make the connection once its protocol is known; the second argument cuts the transport."""

_log = logging.getLogger(__name__)


class WebSocketSession:
    """Serve one WebSocket from its upgrade to its end."""

    def __init__(self, request: web.BaseRequest, open_connection: Open, timing: Timing) -> None:
        self._request = request
        self._open = open_connection
        self._timing = timing
        # Clients take a WebSocket ping for a message; the hub protocol has its own.
        self._socket = web.WebSocketResponse(
            timeout=timing.close, heartbeat=None, compress=False, max_msg_size=0, decode_text=False
        )
        self._task: asyncio.Task[object] | None = None
        self._connection: Connection | None = None

    async def run(self) -> web.StreamResponse:
        """Serve the client until it is gone and the app knows."""
        self._task = asyncio.current_task()
        await self._socket.prepare(self._request)
        try:
            protocol, rest = await self._shake_hands()
        except ProtocolError as error:
            _log.warning("A client is refused: %r Protocols here: %s.", str(error), ", ".join(PROTOCOLS))
            with contextlib.suppress(ConnectionError):
                await self._socket.send_frame(handshake.encode_response(str(error)).encode(), WSMsgType.TEXT)
        except ConnectionResetError:
            pass
        else:
            await self._serve(protocol, rest)
        await self._socket.close()
        return self._socket

    def stop(self) -> None:
        """Ask the client to reconnect and end; one that has not shaken hands is just cut off."""
        if self._connection is not None:
            self._connection.close(allow_reconnect=True)
        elif self._task is not None:
            self._task.cancel()

    async def _shake_hands(self) -> tuple[HubProtocol, bytes]:
        """Return the protocol and what came after the handshake. Raise ProtocolError to refuse."""
        data = b""
        try:
            async with asyncio.timeout(self._timing.handshake):
                while _SEPARATOR not in data:
                    message = await self._socket.receive()
                    if message.type not in _DATA:
                        raise ConnectionResetError
                    data += message.data
        except TimeoutError:
            raise ProtocolError(_LATE) from None
        frame, _, rest = data.partition(_SEPARATOR)
        try:
            request = handshake.parse_request(frame)
        except ProtocolError:
            raise ProtocolError(_GARBAGE) from None
        protocol = PROTOCOLS.get(request.protocol)
        if protocol is None:
            raise ProtocolError(f"The protocol '{request.protocol}' is not supported.")
        if not 1 <= request.version <= _MAX_VERSION:
            raise ProtocolError(
                f"The server does not support version {request.version} of the '{request.protocol}' protocol."
            )
        return protocol, rest

    async def _serve(self, protocol: HubProtocol, rest: bytes) -> None:
        connection = self._connection = self._open(protocol, self._abort)
        opcode = WSMsgType.TEXT if protocol.is_text else WSMsgType.BINARY
        connection.outbox.put(handshake.encode_response().encode())
        connection.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(connection.dispatcher.run())
                until_written = asyncio.timeout(None)
                writer = tasks.create_task(self._write(connection, opcode, until_written))
                try:
                    async with until_written:
                        await self._read(connection, rest)
                    writer.cancel()
                except TimeoutError:
                    # Closed from this side. Reading has to stop first, for the client's answer to be awaited.
                    await self._socket.close()
                connection.end()
        finally:
            connection.end()

    async def _read(self, connection: Connection, rest: bytes) -> None:
        if rest:
            await connection.receive(rest)
        while True:
            message = await self._socket.receive()
            if message.type not in _DATA:
                return
            await connection.receive(message.data)

    async def _write(self, connection: Connection, opcode: WSMsgType, until_written: asyncio.Timeout) -> None:
        try:
            while (chunk := await connection.outbox.take()) is not None:
                await self._socket.send_frame(chunk, opcode)
        except ConnectionError:
            # The reader learns of it too, and ends the connection.
            return
        until_written.reschedule(0)

    def _abort(self) -> None:
        transport = self._request.transport
        if transport is not None:
            transport.abort()
