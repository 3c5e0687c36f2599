"""The WebSocket transport: reader and writer of one client."""

import asyncio
import contextlib

from aiohttp import WSMsgType, web

from serverless_signalr.protocol import handshake
from serverless_signalr.protocol.messages import ProtocolError
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.opening import Open, shake_hands
from signalr_local.emulator.protocols import HubProtocol
from signalr_local.emulator.terms import Terms
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.transports import WEBSOCKETS

__all__ = ["WebSocketSession"]

_DATA = (WSMsgType.TEXT, WSMsgType.BINARY)


class WebSocketSession:
    """Serve one WebSocket from its upgrade to its end."""

    def __init__(self, request: web.BaseRequest, open_connection: Open, timing: Timing, terms: Terms) -> None:
        self._request = request
        self._open = open_connection
        self._handshake_timeout = terms.handshake or timing.handshake
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
            protocol, rest = await shake_hands(self._receive, WEBSOCKETS, self._handshake_timeout)
        except ProtocolError as error:
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

    async def _receive(self) -> bytes:
        message = await self._socket.receive()
        if message.type not in _DATA:
            raise ConnectionResetError
        data: bytes = message.data
        return data

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
        with contextlib.suppress(ConnectionResetError):
            while True:
                await connection.receive(await self._receive())

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
