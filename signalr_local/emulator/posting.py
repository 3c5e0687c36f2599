"""Clients that send by POST: what Server-Sent Events and long polling have in common."""

import asyncio
import contextlib
from abc import ABC, abstractmethod

from aiohttp import web

from serverless_signalr.protocol import handshake
from serverless_signalr.protocol.messages import ProtocolError
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.opening import Open, shake_hands
from signalr_local.emulator.outbox import Outbox
from signalr_local.emulator.protocols import HubProtocol
from signalr_local.emulator.terms import Terms
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.transports import Transport

__all__ = ["PostingSession"]

_WAITING = 16
"""Requests of one client that wait to be read; then the next is answered when one is."""


class PostingSession(ABC):
    """Hold one client during its requests and between them.

    ``post`` is given what it sends, ``get`` answers with what it is to be sent.
    """

    transport: Transport

    def __init__(self, open_connection: Open, timing: Timing, terms: Terms) -> None:
        self._open = open_connection
        self._timing = timing
        self._handshake_timeout = terms.handshake or timing.handshake
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._outbox: asyncio.Future[Outbox] = asyncio.get_running_loop().create_future()
        self._connection: Connection | None = None
        self._gone = asyncio.Event()

    @property
    def is_gone(self) -> bool:
        """Tell whether the client has left, so that it sends nothing more."""
        return self._gone.is_set()

    @property
    def is_text(self) -> bool:
        """Tell whether what the client is to be sent is text."""
        return self._connection is None or self._connection.protocol.is_text

    async def run(self) -> None:
        """Serve the client until it is gone and the app knows."""
        try:
            protocol, rest = await shake_hands(self._inbox.get, self.transport, self._handshake_timeout)
        except ProtocolError as error:
            self._refuse(str(error))
            # The client is told so when it comes to ask.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.close):
                    await self._gone.wait()
        except asyncio.QueueShutDown:
            pass
        else:
            await self._serve(protocol, rest)
        finally:
            self.leave()
            if not self._outbox.done():
                self._outbox.cancel()

    @abstractmethod
    async def get(self, request: web.BaseRequest, /) -> web.StreamResponse:
        """Answer a request for what the client is to be sent."""

    async def post(self, data: bytes) -> None:
        """Take in what the client sent; waits where very much of it waits. After its end it is dropped."""
        with contextlib.suppress(asyncio.QueueShutDown):
            await self._inbox.put(data)

    async def take(self) -> bytes | None:
        """Wait for what the client is to be sent. Return None after the last of it."""
        await asyncio.wait([self._outbox])
        return None if self._outbox.cancelled() else await self._outbox.result().take()

    def leave(self) -> None:
        """Say that the client is gone; what it has sent until now counts. Leaving twice is no error."""
        self._inbox.shutdown()
        self._gone.set()

    def abort(self) -> None:
        """Cut the client off."""
        self.leave()

    def stop(self) -> None:
        """Ask the client to reconnect and end; one that has not shaken hands just ends."""
        if self._connection is not None:
            self._connection.close(allow_reconnect=True)
        else:
            self.leave()

    async def _serve(self, protocol: HubProtocol, rest: bytes) -> None:
        connection = self._connection = self._open(protocol, self.abort)
        connection.outbox.put(handshake.encode_response().encode())
        self._outbox.set_result(connection.outbox)
        connection.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(connection.dispatcher.run())
                with contextlib.suppress(asyncio.QueueShutDown):
                    if rest:
                        await connection.receive(rest)
                    while True:
                        await connection.receive(await self._inbox.get())
                connection.end()
        finally:
            connection.end()

    def _refuse(self, error: str) -> None:
        outbox = Outbox(0)
        outbox.put(handshake.encode_response(error).encode())
        outbox.finish()
        self._outbox.set_result(outbox)
