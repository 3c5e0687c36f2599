"""A client of the hub: the project's own protocol code over a real WebSocket."""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from serverless_signalr._rest.encoding import message_object
from serverless_signalr.errors import HubException
from serverless_signalr.protocol import handshake, json_protocol, messagepack_protocol
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

if TYPE_CHECKING:
    from signalr_local.testing.environment import SignalRTest

__all__ = ["Client"]

type Handler = Callable[..., object]

_SHOWN = 20


class Client:
    """A connected client.

    Messages wait in the order in which they came until a test expects them: ``messages`` are all of them,
    ``unexpected`` those that no ``expect`` has taken yet.
    """

    def __init__(
        self,
        environment: "SignalRTest",
        hub: str,
        user_id: str | None,
        connection_id: str,
        socket: aiohttp.ClientWebSocketResponse,
        *,
        is_text: bool,
    ) -> None:
        """Take an open socket; ``start`` shakes hands."""
        self.hub = hub
        self.user_id = user_id
        self.connection_id = connection_id
        self.messages: list[Message] = []
        self.unexpected: list[Message] = []
        self.closed: Close | None = None
        """The close message of the service, if one came."""
        self.is_open = True
        self.is_paused = False
        self._environment = environment
        self._socket = socket
        self._is_text = is_text
        self._json = json_protocol.FrameSplitter()
        self._messagepack = messagepack_protocol.FrameSplitter()
        self._ids = itertools.count(1)
        self._calls: dict[str, tuple[str, asyncio.Future[Completion]]] = {}
        self._streams: dict[str, list[object]] = {}
        self._handlers: dict[str, Handler] = {}
        self._pongs: dict[bytes, asyncio.Future[None]] = {}
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """Return how messages of a failed test call the client."""
        return f"{self.user_id or 'anonymous'} ({self.connection_id})"

    async def start(self) -> Self:
        """Shake hands, and receive from then on."""
        protocol = "json" if self._is_text else "messagepack"
        await self._socket.send_str(handshake.encode_request(handshake.HandshakeRequest(protocol, 1)))
        message = await self._socket.receive()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise ConnectionRefused("the service closed the connection instead of shaking hands", 101)
        data = message.data if isinstance(message.data, bytes) else message.data.encode()
        head, _, rest = data.partition(json_protocol.RECORD_SEPARATOR.encode())
        if error := handshake.parse_response(head):
            raise ConnectionRefused(f"the service refused the handshake: {error}", 101)
        self._take(rest)
        self._reading = asyncio.create_task(self._read(), name=f"client {self.name}")
        return self

    async def invoke(self, method: str, *arguments: object) -> Any:
        """Call a hub method and return its result. Raise HubException with the error of the answer."""
        id = str(next(self._ids))
        answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._calls[id] = method, answer
        try:
            await self._say(Invocation(method, _builtins(arguments), id))
            completion = await self._environment.wait_for(answer, f"the answer to {method} for {self.name}")
        finally:
            self._calls.pop(id, None)
        if completion.error is not None:
            raise HubException(completion.error)
        return None if completion.result is NO_RESULT else completion.result

    async def send(self, method: str, *arguments: object) -> None:
        """Call a hub method without waiting for an answer."""
        await self._say(Invocation(method, _builtins(arguments)))

    def answer(self, target: str, answer: Handler | object) -> None:
        """Answer what the app asks this client, with a value or what a function returns for the arguments.

        The function may be async; what it raises is the error that the client answers with.
        """
        self._handlers[target] = answer if callable(answer) else (lambda *_: answer)

    async def expect(
        self, target: str, *arguments: object, timeout: float | None = None, **members: object
    ) -> Message:
        """Wait for a message and return it; one message satisfies one expectation.

        Its first arguments are to be ``arguments``, and its first argument an object that has ``members``
        besides whatever else. Raise ExpectationError, which says what did come, once nothing more can come:
        all is quiet. For what the app does in the background, or later, give a ``timeout`` in seconds.
        """
        wanted = message_object(target, arguments)["arguments"]
        expected: list[Any] = wanted if isinstance(wanted, list) else []
        values: dict[str, Any] = _builtins([members])[0]

        def find() -> Message | None:
            for message in self.unexpected:
                if message.target == target and _fits(message, expected, values):
                    self.unexpected.remove(message)
                    return message
            return None

        found = find()
        if found is None:
            found = await self._environment.until(find, self._arrival, timeout)
        if found is None:
            shown = ", ".join(
                [*map(repr, expected), *(f"{name}={value!r}" for name, value in values.items())]
            )
            raise ExpectationError(
                f"{self.name} did not receive {target}({shown}). {self._history()} "
                f"{self._environment.describe()}"
            )
        return found

    async def expect_nothing(self, target: str | None = None) -> None:
        """Prove that no message is left that no expectation took, or none of one target.

        Raise ExpectationError if there is one. Nothing more can come when this returns: queues are empty, no
        function runs, and every client has read what was sent to it.
        """
        await self._environment.settled()
        left = [message for message in self.unexpected if target in (None, message.target)]
        if left:
            shown = "; ".join(map(repr, left[:_SHOWN]))
            raise ExpectationError(f"{self.name} received what was not expected: {shown}")

    async def expect_closed(self, error: str | None = None) -> Close | None:
        """Wait until the connection has ended, and return the close message, if one came.

        ``error`` is to be part of that message.
        """
        await self._environment.wait_for(self._ended.wait(), f"the end of the connection of {self.name}")
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

    def _history(self) -> str:
        shown = "; ".join(repr(message) for message in self.messages[-_SHOWN:])
        state = "" if self.is_open else " Its connection has ended."
        return f"It received: {shown or 'nothing'}.{state}"

    async def _say(self, message: HubMessage) -> None:
        if not self.is_open:
            raise ConnectionError(f"the connection of {self.name} has ended")
        if self._is_text:
            await self._socket.send_str(json_protocol.encode(message))
        else:
            await self._socket.send_bytes(messagepack_protocol.encode(message))

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.PONG:
                    pong = self._pongs.get(bytes(message.data))
                    if pong is not None and not pong.done():
                        pong.set_result(None)
                elif message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    data = message.data
                    self._take(data if isinstance(data, bytes) else data.encode())
        finally:
            self._over()

    def _take(self, data: bytes) -> None:
        if not data:
            return
        parse: Callable[[Any], HubMessage | None]
        if self._is_text:
            frames: list[Any] = list(self._json.feed(data.decode()))
            parse = json_protocol.parse
        else:
            frames, parse = list(self._messagepack.feed(data)), messagepack_protocol.parse
        for frame in frames:
            self._received(parse(frame))
        self._arrived()

    def _received(self, message: HubMessage | None) -> None:
        match message:
            case Invocation(invocation_id=None):
                found = Message(message.target, *message.arguments)
                self.messages.append(found)
                self.unexpected.append(found)
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

    async def _reply(self, message: Invocation) -> None:
        id = message.invocation_id or ""
        handler = self._handlers.get(message.target)
        if handler is None:
            await self._say(Completion(id, error=f"Client didn't provide a result for {message.target}."))
            return
        try:
            value = handler(*message.arguments)
            if asyncio.iscoroutine(value):
                value = await value
            await self._say(Completion(id, _builtins([value])[0]))
        except ConnectionError:
            pass
        except Exception as error:  # noqa: BLE001 - it is what the client answers with
            await self._say(Completion(id, error=str(error)))

    async def _arrival(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _arrived(self) -> None:
        self._news.set()

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
        self._arrived()
        gone = ConnectionError(f"the connection of {self.name} has ended")
        waiting: list[asyncio.Future[Any]] = [*(answer for _, answer in self._calls.values())]
        for future in (*waiting, *self._pongs.values()):
            if not future.done():
                future.set_exception(gone)
                future.exception()


def _fits(message: Message, arguments: list[Any], members: dict[str, Any]) -> bool:
    if list(message.arguments[: len(arguments)]) != arguments:
        return False
    if not members:
        return True
    first = message.arguments[0] if message.arguments else None
    return isinstance(first, dict) and all(
        name in first and first[name] == value for name, value in members.items()
    )


def _builtins(values: Any) -> Any:
    return message_object("_", values)["arguments"]
