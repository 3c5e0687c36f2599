"""Responses of HTTP functions, as the real host sends them, and what it cannot send."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from multidict import CIMultiDict

from signalr_local.host.cookies import CookieError, rewrite
from signalr_local.host.worker import Failure

__all__ = ["ResponseError", "bare", "failed", "from_worker"]

_TEXT = "text/plain; charset=utf-8"
_STATUSES = range(100, 1000)
_WITHOUT_BODY = frozenset({204, 205, 304})

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")

# What the server writes itself: the app's own value would be a second one, or a lie.
_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "upgrade"})


class ResponseError(ValueError):
    """A response that the real host answers with 500."""


def from_worker(value: Mapping[str, Any], body: bytes) -> web.StreamResponse:
    """Return the response that a function made. Raise ResponseError for one that cannot be sent."""
    status = int(value["status"])
    if status not in _STATUSES:
        raise ResponseError(f"its status is {status}, expected {_STATUSES[0]} to {_STATUSES[-1]}")
    headers: CIMultiDict[str] = CIMultiDict()
    for name, text in value["headers"].items():
        _check_header(name, text)
        if name.lower() not in _HOP_BY_HOP:
            headers.add(name, text)
    declared = next(
        (text for name, text in value["headers"].items() if name.lower() == "content-length"), None
    )
    if declared is not None and declared.isdecimal() and int(declared) < len(body):
        raise ResponseError(f"its Content-Length is {declared}, its body has {len(body)} bytes")
    for cookie in value["cookies"]:
        try:
            headers.add(hdrs.SET_COOKIE, rewrite(cookie))
        except CookieError as error:
            raise ResponseError(f"a cookie's {error}") from None
    return web.Response(status=status, headers=headers, body=b"" if status in _WITHOUT_BODY else body)


def bare(value: object) -> web.StreamResponse:
    """Return the response that a bare text stands for: the host looks whether it is JSON.

    Raise ResponseError for an object whose status or headers cannot be sent.
    """
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        content = json.loads(text)
    except ValueError:
        return web.Response(text=text, headers={hdrs.CONTENT_TYPE: _TEXT})
    if not isinstance(content, dict) or "body" not in content:
        shown = json.dumps(content, indent=2, ensure_ascii=False)
        return web.Response(text=shown, headers={hdrs.CONTENT_TYPE: _TEXT})
    body = content["body"]
    headers = {str(name): str(item) for name, item in (content.get("headers") or {}).items()}
    kind = next((item for name, item in headers.items() if name.lower() == "content-type"), None)
    if kind is None:
        headers[hdrs.CONTENT_TYPE] = _TEXT
    elif "charset" not in kind.lower():
        headers = {name: item for name, item in headers.items() if name.lower() != "content-type"}
        headers[hdrs.CONTENT_TYPE] = f"{kind}; charset=utf-8"
    shown = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    status = content.get("status") or content.get("statusCode") or HTTPStatus.OK
    try:
        code = int(status)
    except (TypeError, ValueError):
        raise ResponseError(f"its status is {status!r}, expected a number") from None
    return from_worker({"status": code, "headers": headers, "cookies": ()}, shown.encode(errors="replace"))


def failed(failure: Failure) -> web.Response:
    """Return the answer of a function that failed; a hint is for whoever develops it."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    if not failure.hint:
        return web.Response(status=status)
    # Azure answers with nothing here. Whoever sees this asked a machine of their own.
    problem = {"title": status.phrase, "status": status.value, "detail": failure.hint}
    return web.Response(
        status=status,
        text=json.dumps(problem, ensure_ascii=False),
        content_type="application/problem+json",
    )


def _check_header(name: str, text: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise ResponseError(f"{name!r} is not the name of a header")
    if _VALUE.fullmatch(text) is None:
        raise ResponseError(f"the header {name} has the value {text!r}, expected printable ASCII")
