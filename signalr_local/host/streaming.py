"""Requests that go on to the worker's own web server, and its answers as they come."""

import asyncio
from contextlib import AsyncExitStack
from http import HTTPStatus

import aiohttp
from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from signalr_local.host.failures import FunctionFailedError
from signalr_local.host.responses import failed
from signalr_local.host.targets import Target
from signalr_local.host.usage import Usage
from signalr_local.host.worker import Result

__all__ = ["forward"]

_INVOCATION = "x-ms-invocation-id"
_OWN = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"})
_PATIENCE = 10.0
_PAUSE = 0.05
_NO_LIMIT = aiohttp.ClientTimeout(total=None)


async def forward(
    request: web.BaseRequest,
    target: Target,
    worker: str,
    invocation: str,
    call: "asyncio.Task[Result]",
    usage: Usage,
) -> web.StreamResponse:
    """Send a request to the worker's web server and return its answer, whose body follows while it is sent.

    ``call`` is the invocation that runs beside it: where it fails before there is an answer, that is 500.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(usage)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(auto_decompress=False, timeout=_NO_LIMIT)
        )
        headers = CIMultiDict(request.headers)
        headers[_INVOCATION] = invocation
        path = target.url.removeprefix(target.base)
        sending = asyncio.ensure_future(_send(session, request, f"{worker}{path}", headers))
        call.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait([sending, call], return_when=asyncio.FIRST_COMPLETED)
        if call.done() and (error := call.exception()) is not None:
            sending.cancel()
            if isinstance(error, FunctionFailedError):
                return failed(error.failure)
            raise error
        try:
            answer = await sending
        except aiohttp.ClientError:
            return web.Response(status=HTTPStatus.BAD_GATEWAY)
        response = _Streamed(answer, call, stack.pop_all())
        for name, value in answer.headers.items():
            if name.lower() not in _OWN:
                response.headers.add(name, value)
        return response


async def _send(
    session: aiohttp.ClientSession, request: web.BaseRequest, url: str, headers: CIMultiDict[str]
) -> aiohttp.ClientResponse:
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        try:
            return await session.request(
                request.method,
                url,
                headers=headers,
                data=request.content if request.can_read_body else None,
                allow_redirects=False,
            )
        except aiohttp.ClientConnectorError:
            # The worker's web server starts while its functions are listed already.
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(_PAUSE)


class _Streamed(web.StreamResponse):
    """Pass an answer's body on, piece by piece, and then see to its end."""

    def __init__(
        self, answer: aiohttp.ClientResponse, call: "asyncio.Task[Result]", stack: AsyncExitStack
    ) -> None:
        super().__init__(status=answer.status)
        self._answer = answer
        self._call = call
        self._stack = stack

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        length = self._answer.headers.get(hdrs.CONTENT_LENGTH)
        if length is None:
            self.enable_chunked_encoding()
        else:
            self.content_length = int(length)
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the body, then end it."""
        try:
            async for piece in self._answer.content.iter_any():
                await self.write(piece)
            # A failure was logged; the answer has gone out already.
            await asyncio.wait([self._call])
            self._call.exception()
        finally:
            await self._stack.aclose()
        await super().write_eof(data)
