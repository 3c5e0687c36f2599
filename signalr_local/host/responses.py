"""Responses of HTTP functions, as the real host sends them, and what it cannot send."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from multidict import CIMultiDict

from signalr_local.host import newtonsoft
from signalr_local.host.cookies import CookieError, rewrite
from signalr_local.host.dates import dates_in
from signalr_local.host.response_headers import header_fault
from signalr_local.host.worker import Failure

__all__ = ["ResponseError", "bare", "failed", "from_worker"]

_TEXT = "text/plain; charset=utf-8"
_STATUSES = range(100, 1000)
_WITHOUT_BODY = frozenset({204, 205, 304})

_INTEGER = re.compile(r"\s*[+-]?\d{1,10}\s*", re.ASCII)

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
        fault = header_fault(name, text)
        if fault is not None:
            raise ResponseError(fault)
        lowered = name.lower()
        if lowered not in _HOP_BY_HOP:
            headers.add(name, text)
        elif lowered == "content-length" and text.isdecimal() and int(text) < len(body):
            raise ResponseError(f"its Content-Length is {text}, its body has {len(body)} bytes")
    for cookie in value["cookies"]:
        try:
            headers.add(hdrs.SET_COOKIE, rewrite(cookie))
        except CookieError as error:
            raise ResponseError(f"a cookie's {error}") from None
    return web.Response(status=status, headers=headers, body=b"" if status in _WITHOUT_BODY else body)


def bare(value: object, *, dates: bool = True) -> tuple[web.StreamResponse, str | None]:
    """Return the response for a value that a function returns in place of one, and the text of its body.

    The text is None if it says the same as the value.

    The host looks whether the text is JSON, which it reads and writes as Newtonsoft.Json does (source:
    azure-functions-host, HttpBinding); ``dates`` tells whether dates are written anew too. Raise
    ResponseError for an object whose status or headers cannot be sent.
    """
    text = newtonsoft.clean(value if isinstance(value, str) else json.dumps(value))
    try:
        content = newtonsoft.read(text, dates=dates)
    except newtonsoft.JsonError:
        return web.Response(text=text, headers={hdrs.CONTENT_TYPE: _TEXT}), None
    members = {name.lower(): item for name, item in content.items()} if isinstance(content, dict) else {}
    if "body" not in members:
        shown = content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False)
        response = web.Response(text=newtonsoft.clean(shown), headers={hdrs.CONTENT_TYPE: _TEXT})
        # A JSON string is sent without its quotes; other JSON only gets another indentation.
        is_changed = isinstance(content, str) or not _is_same(content, text)
        return response, shown if is_changed else None
    body, given = members["body"], members.get("headers")
    headers = {name: str(item) for name, item in given.items()} if isinstance(given, dict) else {}
    kind = next((item for name, item in headers.items() if name.lower() == "content-type"), None)
    if kind is None:
        headers[hdrs.CONTENT_TYPE] = _TEXT
    elif "charset" not in kind.lower():
        headers = {name: item for name, item in headers.items() if name.lower() != "content-type"}
        headers[hdrs.CONTENT_TYPE] = f"{kind}; charset=utf-8"
    shown = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    status = _number(members.get("statuscode", members.get("status")))
    answer = {"status": status, "headers": headers, "cookies": ()}
    return from_worker(answer, newtonsoft.clean(shown).encode()), None


def _number(status: object) -> int:
    """Return a status; one that is no number is none."""
    if isinstance(status, int | str) and not isinstance(status, bool) and _INTEGER.fullmatch(str(status)):
        return int(status)
    return HTTPStatus.OK


def _is_same(content: object, text: str) -> bool:
    """Tell whether a value of JSON is what a strict reader sees in its text."""
    try:
        return bool(json.loads(text) == content) and not any(date != date.sent for date in dates_in(content))
    except ValueError:
        return False


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
