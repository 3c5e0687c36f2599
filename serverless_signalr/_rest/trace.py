"""What a request to the service belongs to: the W3C trace context of the call that led to it.

Only the local runtime sets it, so that its log and its inspector can tell which function sent what.
"""

from contextvars import ContextVar

from serverless_signalr._invocation import current_invocation

__all__ = ["Tracing", "current_traceparent", "traceparent"]

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The header ``traceparent`` of requests in this context."""

_by_invocation: dict[str, str] = {}


def current_traceparent() -> str | None:
    """Return the header of requests that are made here, or None."""
    found = traceparent.get()
    if found is None and _by_invocation:
        found = _by_invocation.get(current_invocation() or "")
    return found


class Tracing:
    """A context in which requests of an invocation carry a header, whichever of its threads makes them."""

    __slots__ = ("_header", "_invocation")

    def __init__(self, invocation: str, header: str) -> None:
        self._invocation = invocation
        self._header = header

    def __enter__(self) -> None:
        _by_invocation[self._invocation] = self._header

    def __exit__(self, *_: object) -> None:
        del _by_invocation[self._invocation]
