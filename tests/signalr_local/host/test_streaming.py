"""HTTP functions that stream, with azurefunctions-extensions-http-fastapi."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.signalr_local.host.conftest import PATIENCE, RunningApp, StartHost

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = """
import asyncio
import json
from pathlib import Path

import azure.functions as func
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, StreamingResponse

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="stream")
async def stream(req: Request) -> StreamingResponse:
    async def pieces():
        yield "one "
        while not Path("go").exists():
            await asyncio.sleep(0.01)
        yield "two"
    return StreamingResponse(pieces(), media_type="text/event-stream")

@app.route(route="echo/{id}", methods=["POST"])
@app.generic_output_binding("outbox", type="signalR", hub_name="chat")
async def echo(req: Request, outbox: func.Out[str]) -> JSONResponse:
    outbox.set(json.dumps({"target": "t", "arguments": [1]}))
    body = await req.body()
    return JSONResponse({"id": req.path_params["id"], "q": req.query_params["q"], "body": body.decode()}, 201)

@app.route(route="fails")
async def fails(req: Request) -> JSONResponse:
    raise ValueError("my own mistake")
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost, signalr_settings: dict[str, str]) -> RunningApp:
    settings = {**signalr_settings, "PYTHON_ENABLE_INIT_INDEXING": "1"}
    return await start_shared_host(APP, settings=settings, host={"CORS": "http://a.example"})


async def test_pieces_arrive_as_they_are_made(app: RunningApp) -> None:
    async with asyncio.timeout(PATIENCE):
        async with app._session.get(f"{app.url}/api/stream", headers={"Origin": "http://a.example"}) as reply:
            assert reply.headers["Content-Type"].startswith("text/event-stream")
            assert reply.headers["Access-Control-Allow-Origin"] == "http://a.example"
            assert await reply.content.readany() == b"one "
            app.write("go", "")
            assert await reply.content.read() == b"two"


async def test_route_query_and_body_reach_the_function_and_its_outputs_are_sent(
    app: RunningApp, service: Any, log: Any
) -> None:
    reply = await app.post("/api/echo/7?q=x", data=b"hello")
    assert (reply.status, reply.json()) == (201, {"id": "7", "q": "x", "body": "hello"})
    await log.wait_for("Executed 'Functions.echo' .Succeeded")
    assert service.lines == ["POST /api/hubs/chat/:send"]


async def test_a_function_that_fails_is_500(app: RunningApp, log: Any) -> None:
    assert (await app.get("/api/fails")).status == 500
    await log.wait_for("Exception while executing function: Functions.fails. ValueError: my own mistake")
