"""A client of the hub: the project's own protocol code over a real WebSocket."""

import asyncio
import itertools
import secrets
from contextlib import suppress
from typing import Any, Self

import aiohttp

from serverless_signalr.errors import HubException
from serverless_signalr.protocol.messages import (
    NO_RESULT,
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    StreamItem,
)
from serverless_signalr.testing import Message
from signalr_local.testing.errors import ConnectionRefused, ExpectationError
from signalr_local.testing.handlers import Handler, Handlers, builtins_of
from signalr_local.testing.inbox import Expectation, Inbox
from signalr_local.testing.quiet import Quiet
from signalr_local.testing.wire import Wire

__all__ = ["Client"]


class Client:
    """A connected client.

    Messages wait in the order in which they came until a test expects them: ``messages`` are all of them,
    ``unexpected`` those that no ``expect`` has taken yet.
    """

    def __init__(
        self,
        quiet: Quiet,
        hub: str,
        user_id: str | None,
        connection_id: str,
        connection_token: str,
        socket: aiohttp.ClientWebSocketResponse,
        wire: Wire,
    ) -> None:
        """Take an open socket; ``start`` shakes hands."""
        self.hub = hub
        self.user_id = user_id
        self.connection_id = connection_id
        self.connection_token = connection_token
        """The secret with which the client refreshes its authentication."""
        self.closed: Close | None = None
        """The close message of the service, if one came."""
        self.is_open = True
        self.is_paused = False
        self._quiet = quiet
        self._socket = socket
        self._wire = wire
        self._inbox = Inbox()
        self._ids = itertools.count(1)
        self._calls: dict[str, tuple[str, asyncio.Future[Completion]]] = {}
        self._streams: dict[str, list[object]] = {}
        self._handlers = Handlers()
        self._pongs: dict[bytes, asyncio.Future[None]] = {}
        self._ended = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """Return how messages of a failed test call the client."""
        return f"{self.user_id or 'anonymous'} ({self.connection_id})"

    @property
    def messages(self) -> list[Message]:
        """Return all messages that came."""
        return self._inbox.messages

    @property
    def unexpected(self) -> list[Message]:
        """Return the messages that no ``expect`` has taken yet."""
        return self._inbox.unexpected

    async def start(self) -> Self:
        """Shake hands, and receive from then on."""
        await self._socket.send_str(self._wire.handshake())
        message = await self._socket.receive()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise ConnectionRefused("the service closed the connection instead of shaking hands", 101)
        error, early = self._wire.accepted(message.data)
        if error is not None:
            raise ConnectionRefused(f"the service refused the handshake: {error}", 101)
        self._take(early)
        self._reading = asyncio.create_task(self._read(), name=f"client {self.name}")
        return self

    async def invoke(self, method: str, *arguments: object) -> Any:
        """Call a hub method and return its result. Raise HubException with the error of the answer."""
        id = str(next(self._ids))
        answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._calls[id] = method, answer
        try:
            await self._say(Invocation(method, builtins_of(arguments), id))
            completion = await self._quiet.wait_for(answer, f"the answer to {method} for {self.name}")
        finally:
            self._calls.pop(id, None)
        if completion.error is not None:
            raise HubException(completion.error)
        return None if completion.result is NO_RESULT else completion.result

    async def send(self, method: str, *arguments: object) -> None:
        """Call a hub method without waiting for an answer."""
        await self._say(Invocation(method, builtins_of(arguments)))

    def answer(self, target: str, answer: Handler | object) -> None:
        """Answer what the app asks this client, with a value or what a function returns for the arguments.

        The function may be async; what it raises is the error that the client answers with.
        """
        self._handlers.set(target, answer)

    async def expect(
        self, target: str, *arguments: object, timeout: float | None = None, **members: object
    ) -> Message:
        """Wait for a message and return it; one message satisfies one expectation.

        Its first arguments are to be ``arguments``, and its first argument an object that has ``members``
        besides whatever else. Raise ExpectationError, which says what did come, once nothing more can come:
        all is quiet. For what the app does in the background, or later, give a ``timeout`` in seconds.
        """
        expectation = Expectation(target, arguments, members)

        def find() -> Message | None:
            return self._inbox.take(expectation)

        found = await self._quiet.until(find, self._inbox.arrival, timeout)
        if found is None:
            state = "" if self.is_open else " Its connection has ended."
            raise ExpectationError(
                f"{self.name} did not receive {expectation}. It received: {self._inbox}.{state} "
                f"{self._quiet.describe()}"
            )
        return found

    async def expect_nothing(self, target: str | None = None) -> None:
        """Prove that no message is left that no expectation took, or none of one target.

        Raise ExpectationError if there is one. Nothing more can come when this returns: queues are empty, no
        function runs, and every client has read what was sent to it.
        """
        await self._quiet.settled()
        if left := self._inbox.left(target):
            raise ExpectationError(f"{self.name} received what was not expected: {left}")

    async def expect_closed(self, error: str | None = None) -> Close | None:
        """Wait until the connection has ended, and return the close message, if one came.

        ``error`` is to be part of that message.
        """
        await self._quiet.wait_for(self._ended.wait(), f"the end of the connection of {self.name}")
        if error is not None and (self.closed is None or error not in (self.closed.error or "")):
            raise ExpectationError(f"{self.name} was closed with {self.closed!r}, expected {error!r}")
        return self.closed

    def clear(self) -> None:
        """Forget the messages that came until now."""
        self.unexpected.clear()

    def stream(self, stream_id: str) -> list[object]:
        """Return the items that came on a stream."""
        return self._streams.get(stream_id, [])

    async def ping(self) -> None:
        """Send a keep-alive ping. From the first on, a client that says nothing for 30 s is closed."""
        await self._say(Ping())

    async def close(self) -> None:
        """Hang up, as a page that is closed does."""
        if self.is_open:
            await self._say(Close())
            await self._socket.close()
        await self._end()

    async def drop(self) -> None:
        """Lose the network: the socket is cut off without a word."""
        transport = self._transport()
        if transport is not None:
            transport.abort()
        await self._end()

    def pause(self) -> None:
        """Read nothing any more: a slow client, for which messages pile up."""
        self.is_paused = True
        transport = self._transport()
        if transport is not None:
            transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        transport = self._transport()
        if transport is not None and self.is_paused:
            transport.resume_reading()
        self.is_paused = False

    async def roundtrip(self) -> None:
        """Wait until the service has read what was sent to it, and this client what was sent before that."""
        if not self.is_open or self.is_paused:
            return
        nonce = secrets.token_bytes(8)
        pong: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pongs[nonce] = pong
        try:
            await self._socket.ping(nonce)
            await pong
        except ConnectionError:
            return
        finally:
            self._pongs.pop(nonce, None)

    def __repr__(self) -> str:
        return f"<Client {self.name}{'' if self.is_open else ', closed'}>"

    async def _say(self, message: HubMessage) -> None:
        if not self.is_open:
            raise ConnectionError(f"the connection of {self.name} has ended")
        data = self._wire.encode(message)
        if isinstance(data, str):
            await self._socket.send_str(data)
        else:
            await self._socket.send_bytes(data)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.PONG:
                    pong = self._pongs.get(bytes(message.data))
                    if pong is not None and not pong.done():
                        pong.set_result(None)
                elif message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    self._take(self._wire.messages(message.data))
        finally:
            self._over()

    def _take(self, messages: list[HubMessage]) -> None:
        for message in messages:
            self._received(message)
        self._inbox.announce()

    def _received(self, message: HubMessage) -> None:
        match message:
            case Invocation(invocation_id=None):
                self._inbox.add(Message(message.target, *message.arguments))
            case Invocation():
                task = asyncio.create_task(self._reply(message))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)
            case Completion() if message.invocation_id in self._calls:
                _, answer = self._calls[message.invocation_id]
                if not answer.done():
                    answer.set_result(message)
            case StreamItem():
                self._streams.setdefault(message.invocation_id, []).append(message.item)
            case Close():
                self.closed = message
            case _:
                pass

    async def _reply(self, question: Invocation) -> None:
        answer = await self._handlers.answer(question)
        with suppress(ConnectionError):
            await self._say(answer)

    def _transport(self) -> Any:
        connection: Any = self._socket._response.connection
        return None if connection is None else connection.transport

    async def _end(self) -> None:
        if self._reading is not None:
            await asyncio.wait([self._reading])
        self._over()

    def _over(self) -> None:
        self.is_open = False
        self._ended.set()
        self._inbox.announce()
        gone = ConnectionError(f"the connection of {self.name} has ended")
        waiting: list[asyncio.Future[Any]] = [*(answer for _, answer in self._calls.values())]
        for future in (*waiting, *self._pongs.values()):
            if not future.done():
                future.set_exception(gone)
                future.exception()
