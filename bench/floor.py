"""The floor: the hops of the real thing with bare aiohttp, without hubs, tokens, bindings or functions.

``/echo`` hands each message to ``/event`` by HTTP, or to another server, and writes what that answers to the
socket. With ``/message`` the answer goes out in another way, as the output of a function does: through
``/send`` by HTTP, which writes to the socket. ``/negotiate`` answers a text as long as the real answer.
"""

import sys
from collections.abc import AsyncIterator

from aiohttp import ClientSession, web

_ANSWER = '{"url": "http://localhost:8888/client/?hub=chat", "accessToken": "' + "x" * 220 + '"}'

_SESSION = web.AppKey("session", ClientSession)
_sockets: list[web.WebSocketResponse] = []
_base = ""
_upstream = ""


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_bytes(await _pass_on(request, _upstream, message.data.encode()))
    return socket


async def _message(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    _sockets.append(socket)
    async for message in socket:
        data = message.data.encode()
        await _pass_on(request, _upstream, data)
        await _pass_on(request, f"{_base}/send", data)
    _sockets.remove(socket)
    return socket


async def _pass_on(request: web.Request, url: str, data: bytes) -> bytes:
    async with request.app[_SESSION].post(url, data=data) as response:
        return await response.read()


async def _event(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def _send(request: web.Request) -> web.Response:
    text = (await request.read()).decode()
    for socket in _sockets:
        await socket.send_str(text)
    return web.Response(status=202)


async def _negotiate(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(text=_ANSWER, content_type="application/json")


async def _pool(app: web.Application) -> AsyncIterator[None]:
    async with ClientSession() as app[_SESSION]:
        yield


def main() -> None:
    """Serve on the port that the command line names."""
    global _base, _upstream
    port = int(sys.argv[1])
    _base = f"http://127.0.0.1:{port}"
    _upstream = sys.argv[2] or f"{_base}/event"
    app = web.Application()
    app.cleanup_ctx.append(_pool)
    app.add_routes(
        [
            web.get("/echo", _echo),
            web.get("/message", _message),
            web.post("/event", _event),
            web.post("/send", _send),
            web.post("/negotiate", _negotiate),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=port, access_log=None)


if __name__ == "__main__":
    main()
