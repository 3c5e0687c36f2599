"""One client of a hub, whichever transport carries its bytes."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from serverless_signalr.protocol.messages import (
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    ProtocolError,
    StreamInvocation,
)
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator.auth import Identity
from signalr_local.emulator.dispatcher import Dispatcher
from signalr_local.emulator.hub import Hub
from signalr_local.emulator.outbox import Outbox
from signalr_local.emulator.protocols import Frame, HubProtocol, Outgoing, Reply
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.upstream import Upstream

__all__ = ["Connection"]

_PING = Outgoing(Ping())
_EXPIRED = "The connection's token has expired."
_ABNORMAL = "Connection closed with an error."
_SILENT = "Client hasn't sent a message/ping within the configured ClientTimeoutInterval."

_log = logging.getLogger(__name__)


class Connection:
    """Stand for one client between its handshake and its end.

    The transport feeds it with ``receive``, writes what the outbox holds, runs the dispatcher, and calls
    ``end`` when the client is gone. ``abort`` has to cut the transport at once.
    """

    def __init__(
        self,
        connection_id: str,
        hub: "Hub[Connection]",
        identity: Identity,
        query: str,
        protocol: HubProtocol,
        *,
        upstream: Upstream,
        timing: Timing,
        send_buffer: int,
        abort: Callable[[], None],
        is_watched: bool = True,
    ) -> None:
        """Take what there is to know of a client; ``is_watched`` says that it may be silent for too long."""
        self.connection_id = connection_id
        self.user_id = identity.user_id
        self.protocol = protocol
        self.outbox = Outbox(send_buffer)
        self._hub = hub
        self._timing = timing
        self._abort = abort
        self._is_watched = is_watched
        self._terms = identity.terms
        event = UpstreamEvent(hub.name, "", "", connection_id, identity.user_id, identity.claims, query)
        self.dispatcher = Dispatcher(event, protocol, upstream, self._put)
        self._reader = protocol.reader()
        self._loop = asyncio.get_running_loop()
        self._last_sent = self._last_received = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._asked: dict[str, asyncio.Future[Reply]] = {}

    @property
    def groups(self) -> Collection[str]:
        """The groups that the connection is in."""
        return self._hub.groups_of(self.connection_id)

    def start(self) -> None:
        """Enter the hub and begin to watch for silence."""
        self._hub.add(self)
        if self._is_watched:
            self._watch()
        if self._terms.expires is not None:
            left = max(0.0, self._terms.expires - time.time())
            self._expiry = self._loop.call_later(left, partial(self.close, _EXPIRED, allow_reconnect=True))
        _log.info("Connection %s of hub '%s' opened.", self.connection_id, self._hub.name)

    def send(self, message: Outgoing) -> None:
        """Queue a message for the client. One that reads too slowly is cut off rather than waited for."""
        frame = message.encode(self.protocol)
        if self._terms.is_diagnostic:
            self._trace("is sent", message.read(self.protocol))
        self._put(frame)

    async def ask(self, call: Outgoing) -> Reply:
        """Invoke a method of the client and return its answer.

        Raise ConnectionError where the client goes first, TimeoutError where it takes too long.
        """
        message = call.read(self.protocol)
        assert isinstance(message, Invocation)  # noqa: S101 - a body of the REST API was read as one
        invocation_id = secrets.token_hex(8)
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._asked[invocation_id] = answer
        try:
            self.send(Outgoing(replace(message, invocation_id=invocation_id)))
            async with asyncio.timeout(self._timing.client_result):
                return await answer
        finally:
            del self._asked[invocation_id]

    async def receive(self, data: bytes) -> None:
        """Take in what the client sent; waits where the app is far behind.

        What breaks the protocol closes the connection.
        """
        self._last_received = self._loop.time()
        try:
            for frame in self._reader.feed(data):
                if self.outbox.is_finished:
                    return
                await self._take(frame)
        except ProtocolError as error:
            _log.warning(
                "Connection %s of hub '%s' is closed: %s.", self.connection_id, self._hub.name, error
            )
            self.close(_ABNORMAL, cause=str(error))

    def close(
        self, error: str | None = None, *, allow_reconnect: bool = False, cause: str | None = None
    ) -> None:
        """Say goodbye to the client: a close message is the last it gets, then the transport hangs up.

        ``error`` is for the client, ``cause`` is what the app learns with ``disconnected``.
        """
        if self.outbox.is_finished:
            return
        self._put(self.protocol.encode(Close(error, allow_reconnect)))
        self.end(cause)
        self._timer = self._loop.call_later(self._timing.close, self._abort)

    def end(self, cause: str | None = None) -> None:
        """Leave the hub and take in nothing more. Ending twice is no error; the first cause counts."""
        for timer in (self._timer, self._expiry):
            if timer is not None:
                timer.cancel()
        if self.outbox.is_finished:
            return
        self._hub.remove(self)
        self.outbox.finish()
        self.dispatcher.finish(cause)
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the client is gone"))
        _log.info("Connection %s of hub '%s' closed.", self.connection_id, self._hub.name)

    async def _take(self, frame: Frame) -> None:
        message = self.protocol.parse(frame)
        if self._terms.is_diagnostic:
            self._trace("sent", message)
        match message:
            case Invocation():
                await self.dispatcher.put(message, frame)
            case StreamInvocation():
                _log.warning(
                    "The client asked for a stream of %r (hub '%s'): Serverless mode has no streams; in "
                    "Azure the client would wait for ever.",
                    message.target,
                    self._hub.name,
                )
                error = "Invocation failed, streaming is not supported in Serverless mode."
                self._put(self.protocol.encode(Completion(message.invocation_id, error=error)))
            case Completion() if message.invocation_id in self._asked:
                answer = self._asked[message.invocation_id]
                if not answer.done():
                    answer.set_result(Reply(message, frame))
            case _:
                # Pings have done their work by arriving; the rest means nothing in Serverless mode.
                pass

    def _trace(self, what: str, message: HubMessage | None) -> None:
        subject = getattr(message, "target", None) or getattr(message, "invocation_id", "")
        shown = f"{type(message).__name__} {subject}".rstrip()
        # What it carries is nobody's business.
        _log.info("Diagnostic client %s of hub '%s' %s %s.", self.connection_id, self._hub.name, what, shown)

    def _put(self, frame: bytes) -> None:
        self._last_sent = self._loop.time()
        if not self.outbox.put(frame):
            _log.warning(
                "Connection %s of hub '%s' is cut off: the client reads too slowly, %d bytes wait for it.",
                self.connection_id,
                self._hub.name,
                self.outbox.size,
            )
            self.end("The client reads too slowly.")
            self._abort()

    def _watch(self) -> None:
        now = self._loop.time()
        heard = max(self._last_received, self.dispatcher.last_at_work(now))
        if now - heard >= self._timing.client_timeout:
            _log.info("Connection %s of hub '%s' is closed: %s", self.connection_id, self._hub.name, _SILENT)
            self.close(_ABNORMAL, allow_reconnect=True, cause=_SILENT)
            return
        if now - self._last_sent >= self._timing.ping:
            self.send(_PING)
        due = min(self._last_sent + self._timing.ping, heard + self._timing.client_timeout)
        self._timer = self._loop.call_at(due, self._watch)
