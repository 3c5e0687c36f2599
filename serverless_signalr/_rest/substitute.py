"""What stands in for the service within a context: the seam that tests use."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from serverless_signalr._rest.senders import Sender
    from serverless_signalr.endpoint import Endpoint

__all__ = ["SUBSTITUTE", "Substitute", "substituted"]


class Substitute(Protocol):
    """A stand-in for every instance of the service that the app's settings may name."""

    @property
    def endpoint(self) -> "Endpoint":
        """Return the endpoint that clients connect to, with the key that signs tokens and events."""
        ...

    def sender(self, hub: str) -> "Sender":
        """Return what carries out the operations of a hub."""
        ...


SUBSTITUTE: ContextVar[Substitute | None] = ContextVar("substitute", default=None)
"""The stand-in for the service in the current context. It is None outside of tests."""


@contextmanager
def substituted(substitute: Substitute) -> Iterator[None]:
    """Have the code within, its tasks and threads too, use a stand-in for the service.

    Clients and connections that were made outside use it as well, and those made within work outside as if
    they had been made there: objects that an app caches belong to no test.
    """
    token = SUBSTITUTE.set(substitute)
    try:
        yield
    finally:
        SUBSTITUTE.reset(token)
