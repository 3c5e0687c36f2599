"""Dead ends: what an app or a request asks for and cannot get is told, once, with what to do."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

NEGOTIATE = """
import azure.functions as func

app = func.FunctionApp()

@app.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.generic_input_binding("connection", type="signalRConnectionInfo", hub_name="h1")
def negotiate(req: func.HttpRequest, connection: str) -> func.HttpResponse:
    return func.HttpResponse(connection, mimetype="application/json")

@app.route("messages", methods=["POST", "PUT"])
def send_message(req: func.HttpRequest) -> str:
    return "sent"

@app.route("orders/{number:int:min(1)}/lines")
def lines(req: func.HttpRequest) -> str:
    return "lines"
"""

CATCH_ALL = """
import azure.functions as func

from realtime import bp

async def site(scope, receive, send):
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})

app = func.AsgiFunctionApp(app=site, http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(bp)
"""

REALTIME = """
import azure.functions as func

bp = func.Blueprint()

@bp.route("api/negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.generic_input_binding("connection", type="signalRConnectionInfo", hub_name="h1")
def negotiate(req: func.HttpRequest, connection: str) -> func.HttpResponse:
    return func.HttpResponse(connection, mimetype="application/json")
"""

ITEMS = """
import azure.functions as func

app = func.FunctionApp()

@app.route("items/{id%s}", methods=["GET"])
def details(req: func.HttpRequest) -> str:
    return "details"

@app.route("items/list", methods=["GET"])
def list_items(req: func.HttpRequest) -> str:
    return "list"
"""

UNREGISTERED = "import azure.functions as func\nfrom realtime import bp\napp = func.FunctionApp()\n"

SETTINGS = {
    "AzureSignalRConnectionString": "Endpoint=http://localhost:8888;AccessKey=" + "k" * 44 + ";Version=1.0;"
}


def warnings(log: Any) -> list[str]:
    return [record.getMessage() for record in log.records if record.levelname == "WARNING"]


# Of the app.


async def test_a_route_that_a_catch_all_hides_is_named(start_host: StartHost, log: Any) -> None:
    await start_host(
        {"function_app.py": CATCH_ALL, "realtime.py": REALTIME},
        settings=SETTINGS,
        host_json={"extensions": {"http": {"routePrefix": ""}}},
    )
    [text] = warnings(log)
    assert text.startswith(
        "negotiate is never reached by POST /api/negotiate: http_app_func takes /{*route} and comes "
        "before it in the order of names, as in Azure."
    )


@pytest.mark.parametrize(("constraint", "hidden"), [("", True), (":int", False)], ids=["hidden", "reached"])
async def test_a_route_that_a_parameter_hides_is_named(
    start_host: StartHost, log: Any, constraint: str, hidden: bool
) -> None:
    app = await start_host(ITEMS % constraint)
    assert any(text.startswith("list_items is never reached by GET") for text in warnings(log)) == hidden
    assert (await app.get("/api/items/list")).text == ("details" if hidden else "list")


async def test_an_app_without_functions_is_told_how_blueprints_count(start_host: StartHost, log: Any) -> None:
    await start_host({"function_app.py": UNREGISTERED, "realtime.py": REALTIME})
    log.find(r"^No functions found\. .*app\.register_functions\(blueprint\)\.$")


async def test_a_route_prefix_in_the_old_place_is_named(start_host: StartHost, log: Any) -> None:
    app = await start_host(NEGOTIATE, settings=SETTINGS, host_json={"http": {"routePrefix": "x"}})
    log.find(r'"extensions": \{"http": \{"routePrefix": "x"\}\}')
    assert (await app.post("/api/negotiate")).status == 200
    assert (await app.post("/x/negotiate")).status == 404


async def test_settings_that_functions_need_are_missed_at_the_start(start_host: StartHost, log: Any) -> None:
    await start_host({"function_app.py": NEGOTIATE, "local.settings.json.example": "{}"})
    assert "negotiate will fail: " in log.text
    assert "AzureSignalRConnectionString" in log.text


async def test_what_is_wrong_is_said_once_and_again_when_it_comes_back(
    start_host: StartHost, log: Any
) -> None:
    app = await start_host(NEGOTIATE, settings=SETTINGS, host_json={"http": {"routePrefix": "x"}})
    app.write("function_app.py", NEGOTIATE + "\n")
    await log.wait_for("The app is loaded again")
    log.find("routePrefix is not read")
    app.write("host.json", json.dumps({"version": "2.0"}))
    await log.wait_for("The app is loaded again")
    app.write("host.json", json.dumps({"version": "2.0", "http": {"routePrefix": "x"}}))
    await log.wait_for("The app is loaded again")
    assert log.text.count("routePrefix is not read") == 2


# Of requests.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost) -> Any:
    return await start_shared_host(
        NEGOTIATE, settings=SETTINGS, host={"CORS": "http://allowed.example", "CORSCredentials": True}
    )


@pytest.mark.parametrize(
    ("method", "path", "advice"),
    [
        (
            "POST",
            "/api/negotiate/negotiate",
            "SignalR clients append /negotiate themselves: withUrl('{url}/api').",
        ),
        (
            "POST",
            "/api/chat/negotiate",
            "SignalR clients append /negotiate themselves: withUrl('{url}/api').",
        ),
        ("POST", "/messages", "Its routes begin with /api: is POST /api/messages meant?"),
        ("POST", "/api/mesages", "Is /api/messages meant?"),
        ("GET", "/api/messages", "send_message takes it by POST, PUT."),
        (
            "GET",
            "/api/orders/0/lines",
            "It does not meet the constraints of /api/orders/{{number:int:min(1)}}/lines.",
        ),
        ("GET", "/zzz", "no function takes it."),
    ],
)
async def test_a_path_without_a_function_is_told_once(
    app: Any, log: Any, method: str, path: str, advice: str
) -> None:
    for _ in range(3):
        assert (await app.request(method, f"{path}?code=SECRET")).status == 404
    [text] = warnings(log)
    assert text.startswith(f"{method} {path}: no function takes it.")
    assert text.endswith(advice.format(url=app.url))
    assert "SECRET" not in log.text


async def test_a_websocket_to_the_app_is_told_where_to_go(app: Any, log: Any) -> None:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    assert (await app.get("/api", headers=headers)).status == 404
    assert "skipNegotiation" in log.text


@pytest.mark.parametrize("path", ["/favicon.ico", "/.well-known/appspecific/com.chrome.devtools.json"])
async def test_what_browsers_ask_for_by_themselves_is_not_told(app: Any, log: Any, path: str) -> None:
    assert (await app.get(path)).status == 404
    assert warnings(log) == []


async def test_a_path_is_told_without_what_a_terminal_obeys(app: Any, log: Any) -> None:
    await app.get("/api/" + "y" * 5000)
    assert len(warnings(log)[0]) < 500


@pytest.mark.parametrize("method", ["POST", "OPTIONS"], ids=["request", "preflight"])
async def test_an_origin_that_is_refused_is_told_once(app: Any, log: Any, method: str) -> None:
    origin = f"http://localhost:{5173 + (method == 'POST')}"
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for _ in range(2):
        await app.request(method, "/api/negotiate", headers=headers)
    [text] = warnings(log)
    assert text.startswith(f"A page at {origin} may not read the answer to {method} /api/negotiate")
    assert f'"Host": {{"CORS": "{origin}"}}' in text


@pytest.mark.parametrize("origin", ["http://allowed.example", "{url}"], ids=["allowed", "own"])
async def test_an_origin_that_may_read_the_answer_is_not_told(app: Any, log: Any, origin: str) -> None:
    await app.post("/api/messages", headers={"Origin": origin.format(url=app.url)})
    assert warnings(log) == []
