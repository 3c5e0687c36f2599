"""HTTP functions: a request in, the function run, its response out.

Source: azure-functions-host, GrpcMessageConversionExtensions (what a worker is given) and
FunctionInvocationMiddleware (what becomes of its answer).
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from multidict import CIMultiDict

from signalr_local.host.binding_data import joined, request_data
from signalr_local.host.functions import HTTP_OUTPUT, Function, FunctionTable, is_type
from signalr_local.host.invocation import Invoker
from signalr_local.host.worker import Failure, FunctionFailedError, Result

__all__ = ["HttpFunctions"]

_TEXT = "text/plain; charset=utf-8"

# What the server writes itself: the app's own value would be a second one, or a lie.
_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "upgrade"})


class HttpFunctions:
    """Answer requests with the functions of one app."""

    def __init__(self, table: FunctionTable, invoker: Invoker) -> None:
        self._table = table
        self._invoker = invoker

    async def handle(self, request: web.Request) -> web.Response | None:
        """Run the function whose route takes the request, and return None where there is none."""
        found = self._table.by_request(request.rel_url.raw_path, request.method)
        if found is None:
            return None
        function, route = found
        body = await request.read()
        headers = joined((name.lower(), value) for name, value in request.headers.items())
        pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        query = joined(pairs)
        trigger = {
            "type": "http",
            "method": request.method,
            "url": f"{request.scheme}://{request.host}{request.raw_path}",
            "headers": headers,
            "query": {name: value for name, value in query.items() if value},
            "params": route,
        }
        data = request_data(
            function.name,
            str(function.trigger["name"]),
            pairs,
            headers,
            route,
            body,
            {"Method": request.method},
        )
        try:
            result = await self._invoker.invoke(function, trigger, data, body=body)
        except FunctionFailedError as error:
            return _failed(error.failure)
        return _answer(function, result)


def _answer(function: Function, result: Result) -> web.Response:
    for binding in function.outputs:
        if not is_type(binding, HTTP_OUTPUT):
            continue
        name = str(binding["name"])
        value = result.returned if name == "$return" else result.outputs.get(name)
        if value is not None:
            return _response(value, result.body)
    return web.Response()


def _response(value: Mapping[str, Any], body: bytes) -> web.Response:
    if value["type"] != "http":
        return _sniffed(value["value"])
    headers: CIMultiDict[str] = CIMultiDict(
        (name, text) for name, text in value["headers"].items() if name.lower() not in _HOP_BY_HOP
    )
    for cookie in value["cookies"]:
        headers.add(hdrs.SET_COOKIE, cookie)
    return web.Response(status=value["status"], headers=headers, body=body)


def _sniffed(value: object) -> web.Response:
    """Return the response that a bare text stands for: the host looks whether it is JSON."""
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
    headers.setdefault(hdrs.CONTENT_TYPE, _TEXT)
    return web.Response(
        status=int(content.get("status") or content.get("statusCode") or HTTPStatus.OK),
        text=body if isinstance(body, str) else json.dumps(body, ensure_ascii=False),
        headers=headers,
    )


def _failed(failure: Failure) -> web.Response:
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
