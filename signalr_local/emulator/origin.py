"""The pages that may read the answers (CORS)."""

from collections.abc import Collection

from aiohttp import web

from signalr_local.emulator.incoming import is_client

__all__ = ["allow_origin", "check_origin"]


def allow_origin(
    request: web.BaseRequest, response: web.StreamResponse, origins: Collection[str] = ()
) -> None:
    """Let the page that made a request read the answer, with credentials.

    Below ``/client`` that is every page, as in the service by default. Elsewhere it is only a page of one of
    ``origins``: the REST API is for servers.
    """
    origin = request.headers.get("Origin")
    if origin is None or not (is_client(request) or origin.lower() in origins):
        return
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }
    for asked, allowed in (("Method", "Methods"), ("Headers", "Headers")):
        value = request.headers.get(f"Access-Control-Request-{asked}")
        if value:
            headers[f"Access-Control-Allow-{allowed}"] = value
    response.headers.update(headers)


def check_origin(origin: str) -> str:
    """Return an origin in the form in which browsers send it. Raise ValueError for anything else."""
    scheme, separator, host = origin.lower().rstrip("/").partition("://")
    if scheme not in ("http", "https") or not separator or not host or set(host) & set("/?#*@ "):
        raise ValueError(f"the origin {origin!r} is not valid, expected one such as http://localhost:5173")
    return f"{scheme}://{host}"
