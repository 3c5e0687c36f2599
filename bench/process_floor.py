"""The floor of HTTP functions: bare aiohttp, a pipe to a child process, and back, with as many bytes.

A request becomes a frame, the child answers it with a frame as long as the real answer's. With the folder of
an app, the child has Microsoft's worker library run one of the app's functions for every frame: what is left
above that floor is the host's own.
"""

import asyncio
import itertools
import json
import os
import struct
import sys
from typing import Any

from aiohttp import web

_PREFIX = struct.Struct(">II")
_HEADER = b"x" * 420
"""As long as what the host tells its worker of a small request."""
_BODY = b"hello"
_EVENT = {
    "Arguments": ["x" * 32],
    "Error": None,
    "Category": "messages",
    "Event": "echo",
    "Hub": "chat",
    "ConnectionId": "x" * 22,
    "UserId": "bench",
    "Headers": {"Host": "localhost", "X-ASRS-Hub": "chat", "X-ASRS-Signature": "x" * 71},
    "Query": None,
    "Claims": {"exp": "1", "iat": "1", "aud": "http://localhost:8888/client/?hub=chat"},
}
_REQUEST = {
    "type": "http",
    "method": "GET",
    "url": "http://localhost/api/hello",
    "headers": {"host": "localhost"},
    "query": {},
    "params": {},
}


async def _call(function: dict[str, Any], number: int) -> None:
    """Run a function as the worker does: through Microsoft's library, which makes arguments and result."""
    from azure_functions_runtime.bindings.datumdef import Datum
    from azure_functions_runtime.native_invocation import invocation_request_native

    from signalr_local.worker import data

    trigger = function["bindings"][0]
    is_http = trigger["type"] == "httpTrigger"
    given = data.to_datum(_REQUEST, b"") if is_http else Datum(json.dumps(_EVENT), "string")
    ok, returned, *_ = await invocation_request_native(
        str(number), function["id"], [(trigger["name"], given)], {}
    )
    value, body = data.from_datum(returned)
    assert ok
    assert value is not None
    assert body == _BODY or value["value"] == _EVENT["Arguments"][0]  # type: ignore[index]


async def _function(folder: str, name: str) -> dict[str, Any]:
    """Load an app and return what is known of one of its functions."""
    from signalr_local.worker import app

    sys.path.insert(0, folder)
    listing = await app.index(folder)
    return next(one for one in listing["functions"] if one["name"] == name)


def _child(folder: str, name: str) -> None:
    """Answer frames on the event loop until the parent has gone."""
    loop = asyncio.new_event_loop()
    buffer = bytearray()
    function = loop.run_until_complete(_function(folder, name)) if folder else None

    async def call(function: dict[str, Any], number: int) -> None:
        await _call(function, number)
        os.write(1, answer(number))

    def answer(number: int) -> bytes:
        return _PREFIX.pack(number, 160 + len(_BODY)) + b"y" * 160 + _BODY

    def read() -> None:
        data = os.read(0, 1 << 18)
        if not data:
            loop.stop()
            return
        buffer.extend(data)
        answers = b""
        while len(buffer) >= _PREFIX.size:
            number, size = _PREFIX.unpack_from(buffer)
            if len(buffer) < _PREFIX.size + size:
                break
            del buffer[: _PREFIX.size + size]
            if function:
                asyncio.Task(call(function, number), loop=loop, eager_start=True)
            else:
                answers += answer(number)
        if answers:
            os.write(1, answers)

    os.set_blocking(0, False)
    loop.add_reader(0, read)
    loop.run_forever()


class _Parent(asyncio.SubprocessProtocol):
    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[bytes]] = {}
        self._buffer = bytearray()

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002
        self._buffer += data
        while len(self._buffer) >= _PREFIX.size:
            number, size = _PREFIX.unpack_from(self._buffer)
            end = _PREFIX.size + size
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[end - len(_BODY) : end])
            del self._buffer[:end]
            self.waiting.pop(number).set_result(body)


async def _serve(port: int, folder: str, name: str) -> None:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        _Parent, sys.executable, "-m", "bench.process_floor", "child", folder, name, stderr=None
    )
    pipe = transport.get_pipe_transport(0)
    assert isinstance(pipe, asyncio.WriteTransport)
    numbers = itertools.count(1)

    async def answer(request: web.BaseRequest) -> web.Response:
        number = next(numbers)
        await request.read()
        future = protocol.waiting[number] = loop.create_future()
        pipe.write(_PREFIX.pack(number, len(_HEADER)) + _HEADER)
        return web.Response(body=await future, headers={"Content-Type": "text/plain; charset=utf-8"})

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "child":
        _child(*sys.argv[2:])
    else:
        asyncio.run(_serve(int(sys.argv[1]), *sys.argv[2:]))
