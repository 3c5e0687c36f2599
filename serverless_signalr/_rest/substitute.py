"""What stands in for the service within a context: the seam that tests use."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from serverless_signalr._rest.senders import Sender
    from serverless_signalr.endpoint import Endpoint

__all__ = ["Substitute", "current_substitute", "substituted"]


class Substitute(Protocol):
    """A stand-in for every instance of the service that the app's settings may name."""

    @property
    def endpoint(self) -> "Endpoint":
        """Return the endpoint that clients connect to, with the key that signs tokens and events."""
        ...

    def sender(self, hub: str) -> "Sender":
        """Return what carries out the operations of a hub."""
        ...


_current: ContextVar[Substitute | None] = ContextVar("substitute", default=None)


def current_substitute() -> Substitute | None:
    """Return what stands in for the service here; None, outside of tests, for nothing."""
    return _current.get()


@contextmanager
def substituted(substitute: Substitute) -> Iterator[None]:
    """Have the code within, its tasks and threads too, use a stand-in for the service.

    Clients and connections that were made outside use it as well, and those made within work outside as if
    they had been made there: objects that an app caches belong to no test.
    """
    token = _current.set(substitute)
    try:
        yield
    finally:
        _current.reset(token)
