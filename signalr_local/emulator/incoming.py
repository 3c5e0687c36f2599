"""Helpers for HTTP requests and responses."""

import json
from collections.abc import Mapping

from aiohttp import web
from multidict import CIMultiDict

from serverless_signalr.protocol.names import check_hub_name

__all__ = [
    "HUB_NAME_RULE",
    "INSPECTOR",
    "NOT_CACHED",
    "forbid_caching",
    "hub_of",
    "is_client",
    "is_event_stream",
    "is_inspector",
    "is_websocket",
    "json_response",
    "query_of",
    "shown",
]

_MAX_SHOWN = 200

INSPECTOR = "/_inspect"
"""The path of the inspector."""

HUB_NAME_RULE = (
    "Invalid hub name. Valid hub name should be in between 1 and 128 characters long. The first character "
    "must be a letter, other characters can be letters, digits or the following symbols _`,.[]"
)
"""The service's answer to an invalid hub or application name."""


NOT_CACHED = {
    "Cache-Control": "no-cache, no-store",
    "Pragma": "no-cache",
    "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
}
"""What ASP.NET Core answers to every GET of a client."""


def forbid_caching(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Have the answer to a GET of a client kept by nobody."""
    if request.method == "GET" and is_client(request):
        for name, value in NOT_CACHED.items():
            response.headers.setdefault(name, value)


def is_client(request: web.BaseRequest) -> bool:
    """Tell whether the request is one of a client, rather than of a server."""
    path = request.rel_url.raw_path.lower()
    return path == "/client" or path.startswith("/client/")


def is_inspector(request: web.BaseRequest) -> bool:
    """Tell whether the request is one for the inspector."""
    path = request.rel_url.raw_path.lower()
    return path == INSPECTOR or path.startswith(f"{INSPECTOR}/")


def is_websocket(request: web.BaseRequest) -> bool:
    """Tell whether the request asks for a WebSocket."""
    return request.method == "GET" and request.headers.get("Upgrade", "").strip().lower() == "websocket"


def is_event_stream(request: web.BaseRequest) -> bool:
    """Tell whether the request asks for an event stream."""
    return request.method == "GET" and "text/event-stream" in request.headers.get("Accept", "").lower()


def query_of(request: web.BaseRequest) -> CIMultiDict[str]:
    """Return the query, whose names are case-insensitive, as in the service."""
    return CIMultiDict(request.rel_url.query)


def hub_of(request: web.BaseRequest) -> str:
    """Return the one hub that a client's request names, in lower case, as the service keeps it."""
    hubs = query_of(request).getall("hub", [])
    if len(hubs) != 1:
        raise web.HTTPBadRequest(text="Exactly one hub is expected in the query.")
    try:
        return check_hub_name(hubs[0]).lower()
    except ValueError:
        raise web.HTTPBadRequest(text=HUB_NAME_RULE) from None


def shown(request: web.BaseRequest) -> str:
    """Return method and path for the log, without the query, which may contain an access token."""
    return f"{request.method} {request.rel_url.raw_path[:_MAX_SHOWN]}"


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response as ASP.NET Core writes it: compact JSON, with no charset in its content type.

    Raise ValueError for a number that JSON does not have.
    """
    body = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
