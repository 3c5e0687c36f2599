"""Requests that are refused: what they are answered, and what the log and the journal are told."""

import logging
from http import HTTPStatus

from aiohttp import web

from signalr_local.emulator.auth import UnauthorizedError
from signalr_local.emulator.incoming import query_of, shown
from signalr_local.emulator.tiers import QuotaError
from signalr_local.inspector.events import RequestRefused
from signalr_local.inspector.journal import Journal
from signalr_local.trace_context import current_trace_id

__all__ = ["answer_to", "tell_refusal"]

_log = logging.getLogger("signalr_local.emulator.server")


def answer_to(
    request: web.BaseRequest, error: UnauthorizedError | QuotaError | web.HTTPException
) -> tuple[web.Response, str | None]:
    """Return the answer to a request that is refused, and the reason that only a developer is told."""
    match error:
        case UnauthorizedError():
            _log.warning("%s is refused (401): %s.", shown(request), error)
            challenge = {"WWW-Authenticate": error.challenge}
            return web.Response(status=HTTPStatus.UNAUTHORIZED, headers=challenge), str(error)
        case QuotaError():
            return web.Response(status=HTTPStatus.TOO_MANY_REQUESTS, text=str(error)), None
        case _:
            return web.Response(status=error.status, text=error.text), None


def tell_refusal(
    journal: Journal, request: web.BaseRequest, response: web.StreamResponse, reason: str | None
) -> None:
    """Tell the journal of a client's request that was answered with an error."""
    text = reason or (response.text if isinstance(response, web.Response) else None)
    refused = RequestRefused(
        method=request.method,
        path=request.rel_url.raw_path,
        hub=query_of(request).get("hub"),
        status=response.status,
        reason=text or response.reason or "",
        trace_id=current_trace_id(),
    )
    journal.add(refused, len(refused.path) + len(refused.reason))
