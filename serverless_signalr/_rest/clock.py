"""The clock that determines the times in tokens. A test environment can replace it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["follow", "following", "now", "set_ahead"]

_followed: ContextVar[Callable[[], float] | None] = ContextVar("clock", default=None)
_ahead = 0.0


def now() -> float:
    """Return the seconds since the epoch."""
    followed = _followed.get()
    return time.time() + _ahead if followed is None else followed()


def follow(clock: Callable[[], float]) -> None:
    """Use another clock in this context."""
    _followed.set(clock)


@contextmanager
def following(clock: Callable[[], float]) -> Iterator[None]:
    """Use another clock inside the block."""
    token = _followed.set(clock)
    try:
        yield
    finally:
        _followed.reset(token)


def set_ahead(seconds: float) -> None:
    """Set how far this process is ahead of the machine's clock. For test environments."""
    global _ahead
    _ahead = seconds
