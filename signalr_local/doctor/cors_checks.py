"""CORS: can pages on other origins negotiate, and then connect?

Browsers compare origins as text: scheme, host in lower case, and a port unless it is the default one.
Source: https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from signalr_local.doctor.findings import Finding, fine, warning, wrong
from signalr_local.host.cors import Cors

__all__ = ["check_cors"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_APP = "CORS of the function app"
_SERVICE = "CORS of the service"


def check_cors(app: Cors | None, service: tuple[str, ...] | None, *, is_deployed: bool) -> Iterator[Finding]:
    """Check the origins that the function app allows, and those of the service; None is not known."""
    for subject, origins in ((_APP, app.origins if app else ()), (_SERVICE, service or ())):
        for origin in origins:
            problem = _problem(origin)
            if problem is not None:
                yield wrong("cors.origin", subject, *problem)
    if app is not None:
        yield _check_app(app, is_deployed=is_deployed)
    if service is None:
        return
    if "*" in service:
        yield warning(
            "cors.service-all",
            _SERVICE,
            "every origin may connect",
            "az signalr cors remove --allowed-origins '*', after adding the origins of your pages",
        )
    missing = [
        origin
        for origin in (app.origins if app else ())
        if origin not in service and origin != "*" and _problem(origin) is None
    ]
    if service and missing and "*" not in service:
        yield warning(
            "cors.service",
            _SERVICE,
            f"pages of {', '.join(missing)} may negotiate but not connect",
            f"az signalr cors add --allowed-origins {' '.join(missing)}",
        )


def _check_app(app: Cors, *, is_deployed: bool) -> Finding:
    enable = (
        "az functionapp cors credentials --enable true" if is_deployed else '"CORSCredentials": true in Host'
    )
    if "*" in app.origins:
        how = "and run" if is_deployed and not app.credentials else "and set" if not app.credentials else ""
        also = f", {how} {enable}" if how else ""
        return wrong(
            "cors.all",
            _APP,
            "it allows every origin, which browsers refuse for requests with credentials; the JavaScript "
            "client sends them unless withCredentials is false",
            f"list the origins of your pages in place of *{also}",
        )
    if app.origins and not app.credentials:
        how = f"run {enable}" if is_deployed else f"set {enable}"
        return wrong(
            "cors.credentials",
            _APP,
            "it allows origins, but not the credentials that the JavaScript client sends unless "
            "withCredentials is false",
            how,
        )
    if app.origins:
        return fine("cors.app", _APP, f"{', '.join(app.origins)}, with credentials")
    return fine("cors.app", _APP, "only pages of the app itself may negotiate")


def _problem(origin: str) -> tuple[str, str] | None:
    """Return why no browser ever sends an origin, and what to write in its place."""
    if origin == "*":
        return None
    if len(several := [part for part in re.split(r"[\s;,|]+", origin.strip()) if part]) > 1:
        right = " and ".join(_right(part) for part in several)
        return f"{origin!r} is several origins in one entry", f"make an entry of each: {right}"
    if "*" in origin:
        return f"{origin} has a wildcard, which is compared as text", "list each origin in full"
    right = _right(origin)
    if right == origin:
        return None
    return f"{origin} matches no origin that a browser sends", f"replace it by {right}"


def _right(origin: str) -> str:
    text = origin.strip().strip("'\"")
    if "://" not in text:
        text = f"https://{text}"
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = None
    scheme = parts.scheme.lower()
    suffix = f":{port}" if port is not None and port != _DEFAULT_PORTS.get(scheme) else ""
    host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}{suffix}"
