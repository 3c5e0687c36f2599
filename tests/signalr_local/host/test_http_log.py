"""What the host logs of requests that are no good: one line, and not a word of the request."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

APP = """
import azure.functions as func

app = func.FunctionApp()

@app.route()
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body())
"""

SECRET = "0123456789SECRET"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost) -> Any:
    return await start_shared_host(APP)


async def send(app: Any, request: bytes, *, leave: bool = False) -> bytes:
    """Send bytes, and return what comes back until the host ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.host.port)
    writer.write(request)
    await writer.drain()
    answer = b"" if leave else await reader.read()
    writer.transport.abort()
    return answer


@pytest.mark.parametrize(
    "request_line",
    [
        f"GET /api/echo?code={SECRET} x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET /api/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\x01\r\n\r\n",
        f"GET /api/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization {SECRET}\r\n\r\n",
        f"GET /api/echo HTTP/9.9\r\nx-functions-key: {SECRET}\r\n\r\n",
        f"{SECRET} {SECRET} {SECRET}\r\n\r\n",
        f"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SECRET}\r\n\r\n",
    ],
    ids=["query", "header", "no-colon", "version", "nonsense", "length"],
)
async def test_a_malformed_request_is_one_line_without_its_content(
    app: Any, log: Any, request_line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await send(app, request_line.encode("latin-1"))
    assert answer.startswith(b"HTTP/1.")
    assert b" 400 " in answer.splitlines()[0]
    [line] = [line for line in log.text.splitlines() if not line.startswith("DEBUG")]
    assert line.startswith("WARNING A request was refused because it is not valid HTTP: ")
    assert SECRET not in log.text + caplog.text


async def test_a_client_that_leaves_while_it_sends_is_not_worth_a_line(app: Any, log: Any) -> None:
    head = b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    await send(app, head + b"x" * 1000, leave=True)
    assert (await app.get("/admin/host/ping")).status == 200
    async with asyncio.timeout(60):
        while len(app.host._site._server._runner.server.connections) > 1:  # noqa: ASYNC110 - nothing tells of its end
            await asyncio.sleep(0.01)
    assert [record for record in log.records if record.levelno > logging.DEBUG] == []
