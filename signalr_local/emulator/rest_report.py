"""What becomes of one request to the REST API, for the journal."""

import time
from dataclasses import dataclass, field

from aiohttp import web

from signalr_local.inspector.events import ServiceRequest
from signalr_local.inspector.journal import Journal
from signalr_local.trace_context import current_trace_id

__all__ = ["RestReport"]


@dataclass(slots=True)
class RestReport:
    """What a request was about, as far as it was understood.

    ``reached`` is how many connections it sent to, None where it sends nothing, and ``receivers`` are the ids
    of the first of them. ``error`` is why it was refused, or reached nobody, in the words of the log.
    """

    hub: str | None = None
    names: dict[str, str] = field(default_factory=dict)
    target: str | None = None
    reached: int | None = None
    receivers: list[str] = field(default_factory=list)
    error: str | None = None
    body: bytes = b""
    began: float = field(default_factory=time.perf_counter)

    def tell(self, journal: Journal, request: web.BaseRequest, status: int) -> None:
        """Tell the journal how the request was answered."""
        journal.add(
            ServiceRequest(
                method=request.method,
                path=request.rel_url.raw_path,
                hub=self.hub,
                names=self.names,
                target=self.target,
                reached=self.reached,
                receivers=self.receivers,
                status=status,
                error=self.error,
                content_type=request.content_type,
                seconds=time.perf_counter() - self.began,
                body=self.body,
                trace_id=current_trace_id(),
            ),
            len(self.body) + len(self.error or ""),
        )
