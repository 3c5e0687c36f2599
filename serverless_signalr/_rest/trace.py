"""What a request to the service belongs to: the W3C trace context of the call that led to it.

Only the local runtime sets it, so that its log and its inspector can tell which function sent what.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from serverless_signalr._invocation import current_invocation

__all__ = ["current_traceparent", "traceparent", "tracing"]

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The header ``traceparent`` of requests in this context."""

_by_invocation: dict[str, str] = {}


def current_traceparent() -> str | None:
    """Return the header of requests that are made here, or None."""
    found = traceparent.get()
    if found is None and _by_invocation:
        found = _by_invocation.get(current_invocation() or "")
    return found


@contextmanager
def tracing(invocation: str, header: str) -> Iterator[None]:
    """Send a header with the requests of an invocation, whichever of its threads makes them."""
    _by_invocation[invocation] = header
    try:
        yield
    finally:
        del _by_invocation[invocation]
