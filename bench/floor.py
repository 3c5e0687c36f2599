"""The floor: the hops of the real thing with bare aiohttp, without hubs, tokens, bindings or functions.

``/ws`` hands each message to ``/event`` by HTTP; that sends it back through ``/send`` by HTTP, which writes
it to the socket. ``/negotiate`` answers a text as long as the real answer.
"""

import sys

from aiohttp import ClientSession, web

_ANSWER = '{"url": "http://localhost:8888/client/?hub=chat", "accessToken": "' + "x" * 220 + '"}'

_sockets: list[web.WebSocketResponse] = []
_base = ""


async def _ws(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    _sockets.append(socket)
    async with ClientSession() as session:
        async for message in socket:
            async with session.post(f"{_base}/event", data=message.data.encode()) as response:
                await response.read()
    return socket


async def _event(request: web.Request) -> web.Response:
    body = await request.read()
    async with request.app["session"].post(f"{_base}/send", data=body) as response:
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


async def _announce(app: web.Application) -> None:
    app["session"] = ClientSession()


def main() -> None:
    """Serve on the port that the command line names."""
    global _base
    port = int(sys.argv[1])
    _base = f"http://127.0.0.1:{port}"
    app = web.Application()
    app.on_startup.append(_announce)
    app.add_routes(
        [
            web.get("/ws", _ws),
            web.post("/event", _event),
            web.post("/send", _send),
            web.post("/negotiate", _negotiate),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=port, access_log=None)


if __name__ == "__main__":
    main()
