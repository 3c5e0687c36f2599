"""HTTP functions: a request in, the function run, its response out.

Source: azure-functions-host, GrpcMessageConversionExtensions (what a worker is given) and
FunctionInvocationMiddleware (what becomes of its answer).
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import hdrs, web
from multidict import CIMultiDict

from signalr_local.host.binding_data import request_data
from signalr_local.host.expressions import BindingData
from signalr_local.host.functions import Function
from signalr_local.host.invocation import Invoker, new_id
from signalr_local.host.notes import Notes
from signalr_local.host.responses import ResponseError, bare, failed, from_worker
from signalr_local.host.streaming import forward
from signalr_local.host.table import FunctionTable
from signalr_local.host.targets import Target, decode
from signalr_local.host.usage import Usage
from signalr_local.host.worker import FunctionFailedError, Result

__all__ = ["HttpFunctions"]

_NOT_TEXT = re.compile("[\udc80-\udcff]")


class HttpFunctions:
    """Answer requests with the functions of one app."""

    def __init__(
        self,
        table: FunctionTable,
        invoker: Invoker,
        notes: Notes,
        usage: Usage,
        *,
        keep_values: bool = False,
    ) -> None:
        self._table = table
        self._usage = usage
        self._invoker = invoker
        self._notes = notes
        self._keep_values = keep_values

    async def handle(self, request: web.BaseRequest, target: Target) -> web.StreamResponse | None:
        """Run the function whose route takes the request, and return None where there is none."""
        found = self._table.by_request(target.path, request.method)
        if found is None:
            return None
        function, route = found
        # A function that streams reads the body itself.
        stream = self._invoker.worker.http
        body = await self._body(request, function) if stream is None and request.body_exists else b""
        headers = _headers(request)
        pairs = _pairs(target.query)
        trigger = {
            "type": "http",
            "method": request.method,
            "url": target.url,
            "headers": headers,
            "query": _joined_query(pairs) if pairs else {},
            "params": route,
        }
        data: BindingData = {}
        if function.inputs or function.messages:
            name = str(function.trigger["name"])
            data = request_data(function.name, name, pairs, headers, route, body, {"Method": request.method})
        if stream is not None:
            id = new_id()
            call = asyncio.create_task(self._invoker.invoke(function, trigger, data, id=id))
            return await forward(request, target, stream, id, call, self._usage)
        try:
            result = await self._invoker.invoke(function, trigger, data, body=body)
        except FunctionFailedError as error:
            return failed(error.failure)
        try:
            return self._answer(function, result)
        except ResponseError as error:
            return self._invoker.refuse(function, str(error))

    def _answer(self, function: Function, result: Result) -> web.StreamResponse:
        for name in function.responses:
            value: Mapping[str, Any] | None = (
                result.returned if name == "$return" else result.outputs.get(name)
            )
            if value is not None:
                return (
                    from_worker(value, result.body)
                    if value["type"] == "http"
                    else self._bare(function, value["value"])
                )
        return web.Response(headers=CIMultiDict())

    def _bare(self, function: Function, value: object) -> web.StreamResponse:
        response, changed = bare(value, dates=not self._keep_values)
        if changed is not None:
            self._notes.say(
                f"bare text {function.name}",
                "The text that Functions.%s returned was taken for JSON and written anew, as in Azure: %.80r "
                "became %.80r. Return an HttpResponse, whose body is sent as it is.",
                function.name,
                value,
                changed,
            )
        return response

    async def _body(self, request: web.BaseRequest, function: Function) -> bytes:
        """Return the body as it was sent: with a Content-Encoding, it is the function that decodes it."""
        # One that is announced too large is not waited for.
        length, most = request.content_length or 0, request.client_max_size
        if length > most:
            raise web.HTTPRequestEntityTooLarge(most, length)
        body = await request.read()
        if hdrs.TRANSFER_ENCODING not in request.headers:
            return body
        if body:
            self._notes.say(
                f"chunked {function.name}",
                "A chunked body reached Functions.%s as an empty one, as in Azure: the client must send "
                "it with a "
                "Content-Length.",
                function.name,
            )
        return b""


def _headers(request: web.BaseRequest) -> dict[str, str]:
    """Return the headers by their names in lower case, repeated ones joined by commas."""
    headers: dict[str, str] = {}
    for given, value in request.headers.items():
        name = given.lower()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _pairs(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a query; bytes that are not UTF-8 stay encoded."""
    pairs: list[tuple[str, str]] = []
    if not query:
        return pairs
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((_parameter(name), _parameter(value)))
    return pairs


def _parameter(text: str) -> str:
    plain = unquote_plus(text, errors="surrogateescape") if "%" in text or "+" in text else text
    if _NOT_TEXT.search(plain) is None:
        return plain
    return decode(text.replace("+", " ")).replace("%2F", "/")


def _joined_query(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return the values by name, but for empty ones.

    Names that differ in case are one, in the spelling of the second.
    """
    spelled: dict[str, list[str]] = {}
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        spelled.setdefault(name.lower(), []).append(name)
        values.setdefault(name.lower(), []).append(value)
    joined = {names[:2][-1]: ",".join(values[key]) for key, names in spelled.items()}
    return {name: value for name, value in joined.items() if value}
