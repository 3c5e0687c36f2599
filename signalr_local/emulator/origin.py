"""What lets pages of other origins read the answers."""

from aiohttp import web

__all__ = ["allow_origin"]


def allow_origin(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Let a page of any origin read the answer, with credentials: the service's default."""
    origin = request.headers.get("Origin")
    if origin is None:
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
