"""The journal: the last events, in bounded memory."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from signalr_local.inspector.events import Entry, Event, event_of

__all__ = ["MAX_EVENTS", "Journal"]

MAX_EVENTS = 10_000
"""How many events are kept."""

_MAX_BYTES = 32 * 1024 * 1024
"""How many bytes their bodies may have together; the oldest events go first."""

LIGHT = 1024
"""Bodies of at most so many bytes are not counted: ten thousand of them take no more than a few MiB."""

type Listener = Callable[[Event], None]


class Journal:
    """Keep the last events, in the order in which they happened.

    To add one costs little, since every call of a client adds several: nothing is formatted before somebody
    reads it. The frequent ones are appended as entries, without a call of a method:
    ``journal.append((ClientCalled, journal.number(), time(), ...))``, and ``weigh`` for a body that is not
    light. ``add`` does all of it for the others.
    """

    def __init__(
        self,
        max_events: int = MAX_EVENTS,
        max_bytes: int = _MAX_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._events: deque[Event | Entry] = deque(maxlen=max_events)
        self._heavy: deque[tuple[int, int]] = deque()
        self._size = 0
        self._listeners: list[Listener] = []
        self.append: Callable[[Event | Entry], None] = self._events.append
        """Keeps an event; the oldest one goes."""
        self.number: Callable[[], int] = itertools.count(1).__next__
        """Returns the number of an event that is appended at once."""
        self.known: Callable[[], Iterable[str]] = tuple
        """Returns secrets that no record may show, beside what looks like one."""

    def __len__(self) -> int:
        return len(self._events)

    @property
    def last(self) -> int:
        """The number of the last event, 0 before the first one."""
        return _number(self._events[-1]) if self._events else 0

    @property
    def size(self) -> int:
        """How many bytes the bodies that are not light have together."""
        self._forget()
        return self._size

    def add(self, event: Event, size: int = 0) -> None:
        """Keep an event that happens now, which keeps ``size`` bytes alive."""
        event.seq = self.number()
        event.at = self._clock()
        self.append(event)
        if size > LIGHT:
            self.weigh(size)

    def weigh(self, size: int) -> None:
        """Count the bytes of the last event, and drop the oldest events if they are too many together."""
        self._heavy.append((self.last, size))
        self._size += size
        if self._size <= self._max_bytes:
            return
        self._forget()
        events = self._events
        while self._size > self._max_bytes and len(events) > 1:
            seq, size = self._heavy.popleft()
            self._size -= size
            while len(events) > 1 and _number(events[0]) <= seq:
                events.popleft()

    def _forget(self) -> None:
        """Count no longer what is no longer kept."""
        heavy = self._heavy
        while heavy and heavy[0][0] <= self.last - len(self._events):
            self._size -= heavy.popleft()[1]

    def listen(self, listener: Listener) -> None:
        """Call a listener with every event from now on, at once."""
        self._listeners.append(listener)
        self.append = self._append_and_tell

    def _append_and_tell(self, event: Event | Entry) -> None:
        self._events.append(event)
        for listener in self._listeners:
            listener(_made(event))

    def after(self, seq: int, limit: int = MAX_EVENTS) -> Iterator[Event]:
        """Yield the events after a number, the oldest first; ``limit`` leaves the last ones."""
        skipped = max(0, seq - self.last + len(self._events), len(self._events) - limit)
        return map(_made, itertools.islice(self._events, skipped, None))

    def find(self, seq: int) -> Event | None:
        """Return the event of a number, None where it is no longer kept."""
        index = seq - self.last + len(self._events) - 1
        return _made(self._events[index]) if 0 <= index < len(self._events) else None


def _made(event: Event | Entry) -> Event:
    return event_of(event) if isinstance(event, tuple) else event


def _number(event: Event | Entry) -> int:
    return event[1] if isinstance(event, tuple) else event.seq
