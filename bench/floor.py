"""The floor: the hops of the real thing with bare aiohttp, without hubs, tokens, bindings or functions.

``/ws`` hands each message to ``/event`` by HTTP; that sends it back through ``/send`` by HTTP, which writes
it to the socket. ``/echo`` hands each message to another server and writes what that answers to the socket.
``/negotiate`` answers a text as long as the real answer.
"""

import sys
from collections.abc import AsyncIterator

from aiohttp import ClientSession, web

_ANSWER = '{"url": "http://localhost:8888/client/?hub=chat", "accessToken": "' + "x" * 220 + '"}'

_SESSION = web.AppKey("session", ClientSession)
_sockets: list[web.WebSocketResponse] = []
_base = ""
_upstream = ""


async def _ws(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    _sockets.append(socket)
    async for message in socket:
        async with request.app[_SESSION].post(f"{_base}/event", data=message.data.encode()) as response:
            await response.read()
    return socket


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        async with request.app[_SESSION].post(_upstream, data=message.data.encode()) as response:
            await socket.send_bytes(await response.read())
    return socket


async def _event(request: web.Request) -> web.Response:
    body = await request.read()
    async with request.app[_SESSION].post(f"{_base}/send", data=body) as response:
        await response.read()
    return web.Response()


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
    _upstream = sys.argv[2]
    _base = f"http://127.0.0.1:{port}"
    app = web.Application()
    app.cleanup_ctx.append(_pool)
    app.add_routes(
        [
            web.get("/ws", _ws),
            web.get("/echo", _echo),
            web.post("/event", _event),
            web.post("/send", _send),
            web.post("/negotiate", _negotiate),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=port, access_log=None)


if __name__ == "__main__":
    main()
