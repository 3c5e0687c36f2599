"""The stand-in for the service that a test uses."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from serverless_signalr._rest.senders import Sender
    from serverless_signalr.endpoint import Endpoint

__all__ = ["SUBSTITUTE", "Substitute", "substituted"]


class Substitute(Protocol):
    """A stand-in for every instance of the service."""

    @property
    def endpoint(self) -> "Endpoint":
        """Return the endpoint of clients, with the key that signs tokens and events."""
        ...

    def sender(self, hub: str) -> "Sender":
        """Return a sender that carries out the operations of a hub."""
        ...


SUBSTITUTE: ContextVar[Substitute | None] = ContextVar("substitute", default=None)
"""The stand-in for the service in the current context. It is None outside of tests."""


@contextmanager
def substituted(substitute: Substitute) -> Iterator[None]:
    """Use a stand-in for the service inside the block, including its tasks and threads.

    It does not matter where a client or a connection was created, because an app may cache it: inside the
    block all of them use the stand-in, outside of it none.
    """
    token = SUBSTITUTE.set(substitute)
    try:
        yield
    finally:
        SUBSTITUTE.reset(token)
