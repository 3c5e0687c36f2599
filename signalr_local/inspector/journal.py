"""The journal: the last events, in bounded memory."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from signalr_local.inspector.events import Event

__all__ = ["MAX_EVENTS", "Journal"]

MAX_EVENTS = 10_000
"""How many events are kept."""

_MAX_BYTES = 32 * 1024 * 1024
"""How many bytes their bodies may have together; the oldest events go first."""

type Listener = Callable[[Event], None]


class Journal:
    """Keep the last events, in the order in which they happened.

    To add one costs little: nothing is formatted before somebody reads it.
    """

    def __init__(
        self,
        max_events: int = MAX_EVENTS,
        max_bytes: int = _MAX_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._clock = clock
        self._events: deque[Event] = deque()
        self._size = 0
        self._listeners: list[Listener] = []
        self.known: Callable[[], Iterable[str]] = tuple
        """Returns secrets that no record may show, beside what looks like one."""
        self.last = 0
        """The number of the last event, 0 before the first one."""

    def __len__(self) -> int:
        return len(self._events)

    @property
    def size(self) -> int:
        """How many bytes the bodies of the events have together."""
        return self._size

    def add(self, event: Event) -> None:
        """Keep an event that happens now, and tell those who listen."""
        self.last += 1
        event.seq = self.last
        event.at = self._clock()
        self._events.append(event)
        self._size += event.size
        if len(self._events) > self._max_events or self._size > self._max_bytes:
            self._drop()
        for listener in self._listeners:
            listener(event)

    def _drop(self) -> None:
        events = self._events
        while len(events) > self._max_events or (self._size > self._max_bytes and len(events) > 1):
            self._size -= events.popleft().size

    def listen(self, listener: Listener) -> None:
        """Call a listener with every event from now on, at once."""
        self._listeners.append(listener)

    def after(self, seq: int, limit: int = MAX_EVENTS) -> Iterator[Event]:
        """Yield the events after a number, the oldest first; ``limit`` leaves the last ones."""
        skipped = max(0, seq - self.last + len(self._events), len(self._events) - limit)
        return islice(self._events, skipped, None)

    def find(self, seq: int) -> Event | None:
        """Return the event of a number, None where it is no longer kept."""
        index = seq - self.last + len(self._events) - 1
        return self._events[index] if 0 <= index < len(self._events) else None
