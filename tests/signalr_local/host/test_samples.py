"""Apps in the shape of public samples: the quickstart, one inside FastAPI, one of several blueprints."""

from typing import Any

import pytest
import pytest_asyncio

from tests.signalr_local.host.conftest import RunningApp, StartHost

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICKSTART = {
    "function_app.py": """
import datetime
import json
import logging

import azure.functions as func

app = func.FunctionApp()


@app.route(route="index", auth_level=func.AuthLevel.ANONYMOUS)
def index(req: func.HttpRequest) -> func.HttpResponse:
    with open("content/index.html") as page:
        return func.HttpResponse(page.read(), mimetype="text/html")


@app.route(route="negotiate", auth_level=func.AuthLevel.ANONYMOUS, methods=["POST"])
@app.generic_input_binding(
    arg_name="connectionInfo", type="signalRConnectionInfo", hubName="serverless",
    connectionStringSetting="AzureSignalRConnectionString",
)
def negotiate(req: func.HttpRequest, connectionInfo) -> func.HttpResponse:
    return func.HttpResponse(connectionInfo)


@app.timer_trigger(schedule="*/1 * * * * *", arg_name="myTimer", run_on_startup=False, use_monitor=False)
@app.generic_output_binding(
    arg_name="signalRMessages", type="signalR", hubName="serverless",
    connectionStringSetting="AzureSignalRConnectionString",
)
def broadcast(myTimer: func.TimerRequest, signalRMessages: func.Out[str]) -> None:
    signalRMessages.set(json.dumps({"target": "newMessage", "arguments": [f"late: {myTimer.past_due}"]}))
""",
    "content/index.html": "<h1>Azure SignalR Serverless Sample</h1>",
}

FASTAPI = {
    "function_app.py": """
import azure.functions as func
from fastapi import FastAPI

from realtime import bp

site = FastAPI()


@site.get("/site/hello/{name}")
async def hello(name: str) -> dict[str, str]:
    return {"hello": name}


app = func.AsgiFunctionApp(app=site, http_auth_level=func.AuthLevel.ANONYMOUS, function_name="zz_site")
app.register_functions(bp)
""",
    "realtime.py": """
import azure.functions as func

bp = func.Blueprint()


@bp.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.generic_input_binding("info", type="signalRConnectionInfo", hub_name="site", user_id="{sys.RandGuid}")
def negotiate(req: func.HttpRequest, info: str) -> func.HttpResponse:
    return func.HttpResponse(info, mimetype="application/json")
""",
}

BLUEPRINTS = {
    "function_app.py": """
import azure.functions as func

from orders import bp as orders
from reports import bp as reports

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(orders)
app.register_functions(reports)
""",
    "orders.py": """
import azure.functions as func

bp = func.Blueprint()


@bp.route("orders/{id:int:min(1)}", methods=["GET"])
def order(req: func.HttpRequest) -> str:
    return f"order {req.route_params['id']}"


@bp.route("orders/{code:regex(^[a-z]{{2}}-\\\\d+$)}", methods=["GET"])
def order_by_code(req: func.HttpRequest) -> str:
    return f"code {req.route_params['code']}"


@bp.route("orders/{id:int}/lines/{line:guid?}")
def order_line(req: func.HttpRequest) -> str:
    return f"line {req.route_params.get('line', 'all')}"
""",
    "reports.py": """
import azure.functions as func

bp = func.Blueprint()


@bp.route("reports/{day:datetime}/{name}.{ext?}")
def report(req: func.HttpRequest) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(req.route_params.items()))


@bp.route("files/{*path}", methods=["GET"])
def files(req: func.HttpRequest) -> str:
    return req.route_params.get("path", "none")
""",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def blueprints(start_shared_host: StartHost) -> RunningApp:
    return await start_shared_host(BLUEPRINTS)


async def test_the_quickstart_serves_negotiates_and_broadcasts(
    start_host: StartHost, service: Any, signalr_settings: Any, log: Any
) -> None:
    app = await start_host(QUICKSTART, settings=signalr_settings)
    page = await app.get("/api/index")
    assert (page.headers["Content-Type"], page.text) == (
        "text/html; charset=utf-8",
        "<h1>Azure SignalR Serverless Sample</h1>",
    )
    info = (await app.post("/api/negotiate")).json()
    assert info["url"] == f"http://127.0.0.1:{service.port}/client/?hub=serverless"
    await log.wait_for("Executed 'Functions.broadcast' .Succeeded")
    assert service.requests[0].path == "/api/hubs/serverless/:send"
    assert service.requests[0].json() == {"target": "newMessage", "arguments": ["late: False"]}


async def test_an_app_inside_fastapi_has_signalr_beside_it(
    start_host: StartHost, signalr_settings: Any, log: Any
) -> None:
    app = await start_host(
        FASTAPI, settings=signalr_settings, host_json={"extensions": {"http": {"routePrefix": ""}}}
    )
    assert (await app.get("/site/hello/ann")).json() == {"hello": "ann"}
    assert (await app.get("/site/none")).status == 404
    info = (await app.post("/negotiate")).json()
    assert info.keys() == {"url", "accessToken"}
    assert "is never reached" not in log.text


async def test_a_site_that_takes_every_route_hides_negotiate(
    start_host: StartHost, signalr_settings: Any, log: Any
) -> None:
    files = {**FASTAPI, "function_app.py": FASTAPI["function_app.py"].replace("zz_site", "a_site")}
    app = await start_host(
        files, settings=signalr_settings, host_json={"extensions": {"http": {"routePrefix": ""}}}
    )
    assert (await app.post("/negotiate")).status == 404
    assert "negotiate is never reached by POST /negotiate: a_site takes " in log.text


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("orders/7", "order 7"),
        ("orders/0", None),
        ("orders/99999999999", None),
        ("orders/AB-12", "code AB-12"),
        ("orders/7/lines", "line all"),
        ("orders/7/lines/6f9619ff-8b86-d011-b42d-00c04fc964ff", "line 6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        ("orders/7/lines/x", None),
        ("reports/2026-11-28/sales.pdf", "day=2026-11-28 ext=pdf name=sales"),
        ("reports/2026-11-28/sales", "day=2026-11-28 name=sales"),
        ("reports/20261128/sales", None),
        ("files/a/b%20c", "a/b c"),
        ("files", "none"),
    ],
)
async def test_blueprints_share_their_routes_by_constraints(
    blueprints: Any, path: str, answer: str | None
) -> None:
    reply = await blueprints.get(f"/api/{path}")
    assert (reply.status, reply.text) == ((404, "") if answer is None else (200, answer))
