"""What every part of the emulator asks of an HTTP request."""

from aiohttp import web
from multidict import CIMultiDict

__all__ = ["HUB_NAME_RULE", "is_event_stream", "is_websocket", "query_of", "shown"]

HUB_NAME_RULE = (
    "Invalid hub name. Valid hub name should be in between 1 and 128 characters long. The first character "
    "must be a letter, other characters can be letters, digits or the following symbols _`,.[]"
)
"""What the service answers to the name of a hub, or of an application, that is not valid."""


def is_websocket(request: web.BaseRequest) -> bool:
    """Tell whether the request wants to become a WebSocket."""
    return request.headers.get("Upgrade", "").strip().lower() == "websocket"


def is_event_stream(request: web.BaseRequest) -> bool:
    """Tell whether the request wants to become a stream of events."""
    return request.method == "GET" and "text/event-stream" in request.headers.get("Accept", "").lower()


def query_of(request: web.BaseRequest) -> CIMultiDict[str]:
    """Return the query; the service looks its names up without regard to case."""
    return CIMultiDict(request.rel_url.query)


def shown(request: web.BaseRequest) -> str:
    """Return method and path for the log. The query stays out of it: it may hold an access token."""
    return f"{request.method} {request.rel_url.raw_path}"
