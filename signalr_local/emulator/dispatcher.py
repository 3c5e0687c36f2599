"""The events of one connection on their way to the app, one after the other."""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from serverless_signalr.protocol.claims import Claims
from serverless_signalr.protocol.messages import Completion, Invocation, StreamInvocation
from serverless_signalr.protocol.upstream import CONNECTED, DISCONNECTED, Category, UpstreamEvent
from signalr_local.clock import SYSTEM, Clock
from signalr_local.emulator.notices import Notices
from signalr_local.emulator.protocols import Frame, HubProtocol, is_framed
from signalr_local.emulator.reports import Reports, Waiting
from signalr_local.emulator.upstream import Answer, Upstream
from signalr_local.trace_context import new_trace_id

__all__ = ["Dispatcher"]

_JSON = "application/json"
_NO_STREAMS = "Invocation failed, streaming is not supported in Serverless mode."
_FAILED = "Invocation failed, status code 500"

_MAX_WAITING = 1000
_MAX_WAITING_BYTES = 32 * 1024 * 1024
"""With this much waiting for the app, nothing more is read from the client until an event was answered."""

_log = logging.getLogger(__name__)


class Dispatcher:
    """Send ``connected``, then each message once the one before was answered, then ``disconnected``.

    A task runs only while events wait. No failure of a single event keeps the later ones from being sent.
    """

    __slots__ = (
        "_called",
        "_clock",
        "_event",
        "_flush",
        "_is_calling",
        "_is_running",
        "_name",
        "_notices",
        "_on_done",
        "_on_room",
        "_protocol",
        "_reply",
        "_reports",
        "_size",
        "_task",
        "_upstream",
        "_waiting",
    )

    def __init__(
        self,
        event: UpstreamEvent,
        protocol: HubProtocol,
        upstream: Upstream,
        reply: Callable[[bytes], None],
        flush: Callable[[], None],
        on_room: Callable[[], None],
        clock: Clock = SYSTEM,
    ) -> None:
        """Take the parts that all events have in common.

        ``reply`` queues bytes for the client, ``flush`` sends them. ``on_room`` is called when the dispatcher
        is no longer full.
        """
        self._event = replace(event, claims=_header_safe(event.claims))
        self._notices = Notices(self._event)
        self._reports = Reports(upstream.journal, self._event, protocol.name)
        self._protocol = protocol
        self._upstream = upstream
        self._reply = reply
        self._flush = flush
        self._on_room = on_room
        self._clock = clock
        self._on_done: Callable[[], None] | None = None
        self._waiting: deque[Waiting] | None = None
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._is_running = False
        self._is_calling = False
        self._name = ""
        self._called = 0.0

    @property
    def is_full(self) -> bool:
        """Whether so much waits that the client's socket should not be read."""
        waiting = self._waiting
        return waiting is not None and (len(waiting) >= _MAX_WAITING or self._size >= _MAX_WAITING_BYTES)

    @property
    def waiting(self) -> list[str]:
        """The names of the events that the app has to answer or to be told of, the present one first."""
        if not self._is_running:
            return []
        names = [waiting.name for waiting in self._waiting or ()]
        return [self._name, *names] if self._is_calling else names

    async def done(self) -> None:
        """Wait until nothing waits for the app."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def last_at_work(self, now: float) -> float:
        """Return when the app was last at work for this connection, on the clock."""
        return now if self._is_calling else self._called

    @property
    def client(self) -> UpstreamEvent:
        """What all events have in common: who the client is."""
        return self._event

    def renew(self, claims: Claims) -> None:
        """Tell the app other claims of the client from the next event on."""
        self._event = replace(self._event, claims=_header_safe(claims))
        self._notices.renewed(self._event)

    def start(self, transport: str) -> None:
        """Send ``connected``."""
        self._notices.opened()
        trace_id = new_trace_id()
        self._reports.opened(transport, trace_id)
        self._add(CONNECTED, b'{"type":10}', trace_id)

    def put(self, message: Invocation | StreamInvocation, frame: Frame) -> bytes | None:
        """Add a call of the client; return what it is answered at once, if anything.

        A call that asks for a stream is refused unless those are sent on too.
        """
        trace_id = new_trace_id()
        self._reports.called(message, frame, trace_id)
        self._notices.called(message, frame, is_json=self._protocol.is_text)
        if isinstance(message, StreamInvocation) and not self._upstream.forwards_streams:
            self._notices.refused(message)
            refusal = Completion(message.invocation_id, error=_NO_STREAMS)
            return None if self._upstream.is_silent else self._protocol.encode(refusal)
        self._add(message, self._protocol.forward(message, frame), trace_id)
        return None

    def finish(
        self, error: str | None, on_done: Callable[[], None] | None, *, told: str | None = None
    ) -> None:
        """Send ``disconnected`` after everything that waits, then call ``on_done``.

        ``error`` is what the app is told, ``told`` what the client was.
        """
        self._on_done = on_done
        trace_id = new_trace_id()
        self._reports.closed(error or told, trace_id)
        details = {} if error is None else {"Error": error}
        body = json.dumps({"Type": 11, **details}, separators=(",", ":")).encode()
        self._add(DISCONNECTED, body, trace_id)

    def cancel(self) -> None:
        """Give up what waits, because the emulator stops."""
        if self._task is not None:
            self._task.cancel()

    def _add(self, event: Invocation | StreamInvocation | str, body: bytes, trace_id: str) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(Waiting(event, body, trace_id, time.perf_counter()))
        self._size += len(body)
        if not self._is_running:
            self._is_running = True
            # It runs up to the upstream request at once: that saves a turn of the loop for each call.
            task = asyncio.Task(self._run(), loop=asyncio.get_running_loop(), eager_start=True)
            self._task = None if task.done() else task

    async def _run(self) -> None:
        try:
            while self._waiting:
                was_full = self.is_full
                waiting = self._waiting.popleft()
                self._size -= len(waiting.body)
                try:
                    await self._send(waiting)
                except Exception as error:  # noqa: BLE001 - whatever it is, the events that follow must be sent
                    self._failed(waiting, error)
                if was_full and not self.is_full:
                    self._on_room()
        finally:
            # An idle connection, of which there may be thousands, keeps no queue.
            self._waiting = self._task = None
            self._is_running = False
            if self._on_done is not None:
                self._on_done()

    def _failed(self, waiting: Waiting, error: Exception) -> None:
        event = waiting.event
        _log.error(
            "Event %r of hub '%s' failed in the emulator: %s: %s",
            waiting.name[:200],
            self._event.hub,
            type(error).__name__,
            error,
        )
        if not isinstance(event, str) and event.invocation_id is not None:
            self._reply(self._protocol.encode(Completion(event.invocation_id, error=_FAILED)))

    async def _send(self, waiting: Waiting) -> None:
        event = waiting.event
        if isinstance(event, str):
            # Whatever the answer is, it changes nothing: negotiate decides who may connect.
            await self._deliver(Category.CONNECTIONS, _JSON, waiting)
            return
        answer = await self._deliver(Category.MESSAGES, self._protocol.content_type, waiting)
        # The items and the end of a stream come from the app through the REST API.
        is_stream = isinstance(event, StreamInvocation) and answer.error is None and not answer.body
        # As in ASP.NET Core, an empty id is none.
        if event.invocation_id and not (answer.is_silent or is_stream):
            completion = self._completion(event, event.invocation_id, answer)
            self._reply(completion)
            self._reports.answered(waiting, event.invocation_id, completion, answer.error)
            # The client waits for this answer: it need not wait for the end of the turn as well.
            self._flush()

    def _completion(
        self, message: Invocation | StreamInvocation, invocation_id: str, answer: Answer
    ) -> bytes:
        data, error = answer.body, answer.error
        if error is None and data and not is_framed(data, self._protocol):
            _log.error(
                "The answer to event %r of hub '%s' is not a completion of the hub protocol. In Azure it "
                "would be passed on as it is and break the client's connection: answer with the invocation's "
                "completion, or with an empty body.",
                message.target,
                self._event.hub,
            )
            error = "Invocation failed, error: the answer is no completion of the hub protocol."
        if error is not None or not data:
            data = self._protocol.encode(Completion(invocation_id, error=error))
        return data

    async def _deliver(self, category: Category, content_type: str, waiting: Waiting) -> Answer:
        event = replace(self._event, category=category, event=waiting.name)
        self._is_calling, self._name = True, waiting.name
        try:
            return await self._upstream.deliver(event, content_type, waiting.body, waiting.trace_id)
        finally:
            self._is_calling = False
            self._called = self._clock.monotonic()


def _header_safe(claims: Claims) -> Claims:
    # A claim with a line break cannot be part of a header; the others can.
    unsafe = {
        name
        for name, values in claims.items()
        if any(sign in text for text in (name, *values) for sign in "\r\n\0")
    }
    # Thousands of connections may be open: none has a copy of its claims without need.
    return {name: claims[name] for name in claims if name not in unsafe} if unsafe else claims
