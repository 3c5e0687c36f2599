"""What the host itself says to a request, before any function does."""

from typing import Any

import pytest

from tests.signalr_local.host.conftest import StartHost

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return "hello"

@app.route(route="status/{code}")
def status(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", status_code=int(req.route_params["code"]))
"""


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("127.0.0.1:1", 200), ("rebound.evil.example", 403), ("a b", 400)],
)
async def test_a_page_of_another_name_cannot_drive_the_app(
    start_host: StartHost, log: Any, host: str, status: int
) -> None:
    app = await start_host(APP)
    for path in ("/api/hello", "/admin/host/status"):
        assert (await app.get(path, headers={"Host": host})).status == status
    assert ("Allow a name with --host-name" in log.text) == (status == 403)


@pytest.mark.parametrize("code", ["99", "1000"])
async def test_a_status_that_http_does_not_have_is_told(start_host: StartHost, log: Any, code: str) -> None:
    app = await start_host(APP)
    reply = await app.get(f"/api/status/{code}")
    assert (reply.status, reply.body) == (500, b"")
    assert f"its status is {code}, expected 100 to 999" in log.text
