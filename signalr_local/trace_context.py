"""The trace that a request, and whatever it leads to, belongs to: W3C Trace Context in this process.

Source: https://www.w3.org/TR/trace-context/.
"""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from serverless_signalr._rest.trace import traceparent

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["begin_trace", "current_trace_id", "follow_trace", "in_trace", "new_trace_id"]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

# Ids are no secrets, and the system takes long to make one. An app that is tested in this process may seed
# the generator of the module random.
_random = random.Random()  # noqa: S311


def new_trace_id() -> str:
    """Return the id of a new trace."""
    return f"{_random.getrandbits(128):032x}"


def current_trace_id() -> str | None:
    """Return the id of the trace that runs here, or None."""
    header = traceparent.get()
    return None if header is None else header[3:35]


def begin_trace(trace_id: str) -> str:
    """Go on in this context as a part of a trace, and return the header that says so."""
    # Marked as sampled: tracers that follow their parent would record nothing otherwise.
    header = f"00-{trace_id}-{_random.getrandbits(64):016x}-01"
    traceparent.set(header)
    return header


def follow_trace(request: "web.BaseRequest") -> str:
    """Go on in this context in the trace of a request, or in a new one, and return its id."""
    header = request.headers.get("traceparent")
    if header is not None and (found := _TRACEPARENT.fullmatch(header)):
        traceparent.set(header)
        return found[1]
    trace_id = new_trace_id()
    begin_trace(trace_id)
    return trace_id


@contextmanager
def in_trace(header: str | None) -> Iterator[None]:
    """Belong to the trace of a header within."""
    token = traceparent.set(header)
    try:
        yield
    finally:
        traceparent.reset(token)
