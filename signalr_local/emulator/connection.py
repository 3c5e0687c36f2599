"""One client of a hub, whichever transport carries its bytes."""

import logging
from collections.abc import Callable, Collection
from functools import partial

from serverless_signalr.protocol.messages import (
    Close,
    Completion,
    HubMessage,
    Invocation,
    Ping,
    StreamInvocation,
)
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.clock import Scheduled
from signalr_local.emulator.auth import Identity
from signalr_local.emulator.channel import Channel
from signalr_local.emulator.dispatcher import Dispatcher
from signalr_local.emulator.hub import Hub
from signalr_local.emulator.intake import Intake
from signalr_local.emulator.protocols import Encoded, Frame, HubProtocol, Outgoing, Reply
from signalr_local.emulator.questions import Questions
from signalr_local.emulator.timing import Timing
from signalr_local.emulator.tracing import trace
from signalr_local.emulator.transports import LONG_POLLING, WEBSOCKETS, Transport
from signalr_local.emulator.upstream import Upstream

__all__ = ["TOO_SLOW", "Connection"]

TOO_SLOW = "The client reads too slowly."
"""What the app is told of a client that was cut off because too much waited for it."""

_PING = Outgoing(Ping())
_EXPIRED = "The connection's token has expired."
_ABNORMAL = "Connection closed with an error."
_SILENT = "Client hasn't sent a message/ping within the configured ClientTimeoutInterval."

_log = logging.getLogger(__name__)


class Connection:
    """A client between its handshake and its end.

    The transport feeds it with ``receive`` and calls ``leave`` when the client is gone. ``put`` queues an
    encoded message for the client; it is the channel's own method, since broadcasts call it so often.
    """

    __slots__ = (
        "_expiry",
        "_has_pinged",
        "_hub",
        "_intake",
        "_is_ended",
        "_last_received",
        "_questions",
        "_timer",
        "_timing",
        "channel",
        "connection_id",
        "dispatcher",
        "identity",
        "is_traced",
        "on_told",
        "protocol",
        "put",
        "transport",
        "user_id",
    )

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
        max_message: int,
        channel: Channel,
        transport: Transport = WEBSOCKETS,
    ) -> None:
        """Take what there is to know of a client."""
        self.connection_id = connection_id
        self.user_id = identity.user_id
        self.identity = identity
        self.protocol = protocol
        self.put: Callable[[Encoded], None] = channel.put
        self.on_told: Callable[[], None] | None = None
        """Called when the app was told that the client is gone."""
        self.channel = channel
        self._hub = hub
        self._timing = timing
        self.transport = transport
        self.is_traced = identity.terms.is_diagnostic
        """Whether what is sent goes into the log, so that it has to be sent with ``send``."""
        event = UpstreamEvent(hub.name, "", "", connection_id, identity.user_id, identity.claims, query)
        self._intake = Intake(self, protocol.reader(max_message))
        self.dispatcher = Dispatcher(
            event, protocol, upstream, self._put, self._flush, self._intake.go_on, timing.clock
        )
        self._last_received = self._timing.clock.monotonic()
        self._has_pinged = False
        self._is_ended = False
        self._timer: Scheduled | None = None
        self._expiry: Scheduled | None = None
        self._questions: Questions | None = None

    def __str__(self) -> str:
        return f"Connection {self.connection_id} of hub '{self._hub.name}'"

    @property
    def groups(self) -> Collection[str]:
        """The groups that the connection is in."""
        return self._hub.groups_of(self.connection_id)

    @property
    def is_ended(self) -> bool:
        """Whether nothing more is taken in from the client, nor sent to it."""
        return self._is_ended

    def start(self) -> None:
        """Enter the hub, tell the app, and begin to watch for silence."""
        self._hub.add(self)
        self.dispatcher.start(self.transport.name)
        self._watch()
        self._watch_expiry()
        _log.info("%s opened.", self)

    def renew(self, identity: Identity) -> None:
        """Go on with other claims of the same user, and with another end."""
        self.identity = identity
        self.dispatcher.renew(identity.claims)
        self._watch_expiry()

    def send(self, message: Outgoing) -> None:
        """Queue a message for the client. One that reads too slowly is cut off rather than waited for."""
        encoded = message.encoded(self.protocol)
        if self.is_traced:
            trace(self.connection_id, self._hub.name, "is sent", message.read(self.protocol))
        self.put(encoded)

    async def ask(self, call: Outgoing) -> Reply:
        """Invoke a method of the client and return its answer.

        Raise ConnectionError if the client goes first, TimeoutError if it takes too long.
        """
        message = call.read(self.protocol)
        assert isinstance(message, Invocation)  # noqa: S101 - a body of the REST API was read as one
        self._questions = self._questions or Questions()
        return await self._questions.ask(message, self.send, self._timing.client_result)

    def receive(self, data: bytes) -> None:
        """Take in what the client sent. What breaks the protocol closes the connection."""
        self._last_received = self._timing.clock.monotonic()
        self._intake.feed(data)

    def leave(self, cause: str | None = None) -> None:
        """End the connection of a client that is gone; what it has sent until now counts."""
        self._intake.finish(cause)

    def lost(self) -> None:
        """Take note that the socket is gone, without the client having said goodbye."""
        self.leave()

    def close(
        self, error: str | None = None, *, allow_reconnect: bool = True, cause: str | None = None
    ) -> None:
        """Say goodbye: a close message is the last that the client gets, then the transport hangs up.

        ``error`` is what the client is told, ``cause`` what ``disconnected`` tells the app.
        """
        if self._is_ended:
            return
        data = self.protocol.encode(Close(error, allow_reconnect))
        self.put(Encoded(data, self.protocol.is_text, is_counted=False))
        self.end(cause, error)
        self.channel.finish(self._timing.close)

    def drop(self) -> None:
        """Cut the client off without a word, as a network that fails does."""
        self.channel.abort()

    def refuse(self, cause: str) -> None:
        """Close the connection because of something that the client sent."""
        if not self._is_ended:
            _log.warning("%s is closed: %s.", self, cause)
            self.close(_ABNORMAL, cause=cause)

    def end(self, cause: str | None = None, told: str | None = None) -> None:
        """Leave the hub and take in nothing more. Ending twice is no error; the first cause counts."""
        if self._is_ended:
            return
        self._is_ended = True
        for timer in filter(None, (self._timer, self._expiry)):
            timer.cancel()
        self._intake.clear()
        self._hub.remove(self)
        if self._questions is not None:
            self._questions.close()
        _log.info("%s closed.", self)
        self.dispatcher.finish(cause, self.on_told, told=told)

    def cut_off(self, waiting: int) -> None:
        """End the connection because too much waits for the client, in bytes."""
        _log.warning("%s is cut off: the client reads too slowly, %d bytes wait for it.", self, waiting)
        self.end(TOO_SLOW)

    def take(self, frame: Frame) -> None:
        """Take in one message of the client. Raise ProtocolError for what is none."""
        message = self.protocol.parse(frame)
        if not self._accepts(message):
            return
        if self.is_traced:
            trace(self.connection_id, self._hub.name, "sent", message)
        match message:
            case Invocation() | StreamInvocation():
                if (answer := self.dispatcher.put(message, frame)) is not None:
                    self._put(answer)
            case Ping():
                if not self._has_pinged:
                    self._has_pinged = True
                    self._watch()
            case Completion() if self._questions is not None:
                self._questions.answer(message, frame)
            case _:
                pass  # The rest means nothing in Serverless mode.

    def _accepts(self, _: HubMessage | None) -> bool:
        """Tell whether a message that was read is to be handled."""
        return True

    def _flush(self) -> None:
        self.channel.flush_now()

    def _put(self, data: bytes) -> None:
        if not self._is_ended:
            self.put(Encoded(data, self.protocol.is_text))

    def _watch_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        if (expires := self.identity.terms.expires) is not None:
            self._expiry = self._timing.clock.call_at(expires, partial(self.close, _EXPIRED))

    def _watch(self) -> None:
        if self.transport is LONG_POLLING:
            return  # It is heard of often enough.
        if self._timer is not None:
            self._timer.cancel()
        now = self._timing.clock.monotonic()
        due = self.channel.last_sent + self._timing.ping
        if due <= now:
            self.put(_PING.encoded(self.protocol))
            due = now + self._timing.ping
        if self._has_pinged:  # Another one may be silent for ever, as in ASP.NET Core.
            heard = max(self._last_received, self.dispatcher.last_at_work(now))
            if now - heard >= self._timing.client_timeout:
                _log.info("%s is closed: %s", self, _SILENT)
                self.close(_ABNORMAL, cause=_SILENT)
                return
            due = min(due, heard + self._timing.client_timeout)
        self._timer = self._timing.clock.call_later(due - now, self._watch)
