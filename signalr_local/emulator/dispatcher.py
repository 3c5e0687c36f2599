"""The events of one connection on their way to the app, one after the other."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace

from serverless_signalr.protocol.messages import Completion, Invocation, ProtocolError
from serverless_signalr.protocol.upstream import CONNECTED, DISCONNECTED, Category, UpstreamEvent
from signalr_local.emulator.protocols import Frame, HubProtocol, is_framed
from signalr_local.emulator.upstream import Upstream

__all__ = ["Dispatcher"]

_JSON = "application/json"
_MAX_WAITING = 1000
"""Messages of one client that wait for the app; then its socket is not read until one is done."""

_log = logging.getLogger(__name__)


class Dispatcher:
    """Send ``connected``, then each message when the one before was answered, then ``disconnected``."""

    def __init__(
        self, event: UpstreamEvent, protocol: HubProtocol, upstream: Upstream, reply: Callable[[bytes], None]
    ) -> None:
        self._event = replace(event, claims=_header_safe(event))
        self._protocol = protocol
        self._upstream = upstream
        self._reply = reply
        self._waiting: asyncio.Queue[tuple[Invocation, bytes]] = asyncio.Queue(_MAX_WAITING)
        self._error: str | None = None
        self._is_calling = False
        self._called = 0.0

    def last_at_work(self, now: float) -> float:
        """Return when the app was last at work for this connection, on the clock of the loop."""
        return now if self._is_calling else self._called

    async def put(self, message: Invocation, frame: Frame) -> None:
        """Add a message of the client; wait while too many wait. After ``finish`` it is dropped.

        Raise ProtocolError for one that cannot be sent on, such as one with an infinite number.
        """
        try:
            body = self._protocol.forward(message, frame)
        except ValueError as error:
            raise ProtocolError(f"the message cannot be sent on: {error}") from None
        with contextlib.suppress(asyncio.QueueShutDown):
            await self._waiting.put((message, body))

    def finish(self, error: str | None = None) -> None:
        """Take in nothing more; ``disconnected`` is sent after what waits, and tells the app of the error."""
        self._error = error
        self._waiting.shutdown()

    async def run(self) -> None:
        """Send events until ``disconnected`` was sent."""
        await self._connection_event(CONNECTED, {"type": 10})
        while True:
            try:
                message, body = await self._waiting.get()
            except asyncio.QueueShutDown:
                break
            await self._message(message, body)
        error = {} if self._error is None else {"Error": self._error}
        await self._connection_event(DISCONNECTED, {"Type": 11, **error})

    async def _connection_event(self, name: str, body: dict[str, object]) -> None:
        event = replace(self._event, category=Category.CONNECTIONS, event=name)
        # Whatever the answer is, it changes nothing: negotiate decides who may connect.
        await self._deliver(event, _JSON, json.dumps(body, separators=(",", ":")).encode())

    async def _message(self, message: Invocation, body: bytes) -> None:
        event = replace(self._event, category=Category.MESSAGES, event=message.target)
        answer, error = await self._deliver(event, self._protocol.content_type, body)
        if message.invocation_id is None:
            return
        if error is None and answer and not is_framed(answer, self._protocol):
            _log.error(
                "The answer to event %r of hub '%s' is no completion of the hub protocol. In Azure it "
                "would reach the client as it is and break its connection: answer the invocation's "
                "completion, or nothing.",
                event.event,
                event.hub,
            )
            error = "Invocation failed, error: the answer is no completion of the hub protocol."
        if error is not None or not answer:
            answer = self._protocol.encode(Completion(message.invocation_id, error=error))
        self._reply(answer)

    async def _deliver(
        self, event: UpstreamEvent, content_type: str, body: bytes
    ) -> tuple[bytes, str | None]:
        self._is_calling = True
        try:
            answer = await self._upstream.deliver(event, content_type, body)
        finally:
            self._is_calling = False
            self._called = asyncio.get_running_loop().time()
        return answer.body, answer.error


def _header_safe(event: UpstreamEvent) -> dict[str, tuple[str, ...]]:
    # A claim with a line break cannot be part of a header; the others can.
    return {
        name: values
        for name, values in event.claims.items()
        if not any(sign in text for text in (name, *values) for sign in "\r\n\0")
    }
