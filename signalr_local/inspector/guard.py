"""Who may look: a browser on this machine that was given the address with the token, and no other page."""

import hmac
import ipaddress

from aiohttp import web

from signalr_local.emulator.hostnames import LOCALHOST, same_host, split_url

__all__ = ["HEADERS", "check"]

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer of the inspector carries; the page has a policy of its own besides."""


def check(request: web.BaseRequest, token: str) -> None:
    """Raise an HTTPException for a request that is not of the inspector's own page, or of this machine."""
    host = request.headers.get("Host", "")
    parts = split_url(f"//{host}")
    if not _is_here(request.remote) or parts is None or same_host(parts) != LOCALHOST:
        raise web.HTTPForbidden(text="The inspector answers this machine alone, at localhost.\n")
    # No other page may ask, not even one that has the token.
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "none")
    is_visit = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET"
    if origin not in (None, f"http://{host}") or not (site in ("none", "same-origin") or is_visit):
        raise web.HTTPForbidden(text="Other pages have no access to the inspector.\n")
    if not hmac.compare_digest(_token(request).encode(), token.encode()):
        raise web.HTTPUnauthorized(
            text="This is not the address of the inspector: open the one that the local runtime printed when "
            "it started.\n"
        )
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Expected application/json.\n")
    if request.method not in ("GET", "POST"):
        raise web.HTTPMethodNotAllowed(request.method, ["GET", "POST"])


def _token(request: web.BaseRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.rel_url.query.get("token", "")


def _is_here(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
