"""Cross-origin requests, as a browser makes them to a host that allows some origins."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

APP = """
import azure.functions as func

app = func.FunctionApp()

@app.route(route="hello", methods=["GET"])
def hello(req: func.HttpRequest) -> str:
    return "hello"

@app.route(route="fails")
def fails(req: func.HttpRequest) -> str:
    raise ValueError("wrong")

@app.route(route="own")
def own(req: func.HttpRequest) -> func.HttpResponse:
    headers = {"Access-Control-Allow-Origin": "http://mine", "Vary": "Accept"}
    return func.HttpResponse("own", headers=headers)

@app.route(route="asked", methods=["OPTIONS"])
def asked(req: func.HttpRequest) -> str:
    return "asked"
"""

ALLOWED, OTHER = "http://localhost:3000", "http://localhost:3001"

ORIGINS = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Vary")
PREFLIGHT = ("Access-Control-Allow-Methods", "Access-Control-Allow-Headers")


def shown(headers: Any) -> dict[str, str]:
    """Return the CORS headers, each as often as it is there."""
    return {name: ", ".join(headers.getall(name)) for name in (*ORIGINS, *PREFLIGHT) if name in headers}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost) -> Any:
    """Run an app that lets one page in, with its cookies."""
    return await start_shared_host(APP, host={"CORS": ALLOWED, "CORSCredentials": True})


@pytest.mark.parametrize(
    ("path", "status"), [("/api/hello", 200), ("/api/fails", 500), ("/api/none", 404), ("/", 200)]
)
async def test_an_answer_names_the_origin_that_asked(app: Any, path: str, status: int) -> None:
    reply = await app.get(path, headers={"Origin": ALLOWED})
    assert reply.status == status
    assert shown(reply.headers) == {
        "Access-Control-Allow-Origin": ALLOWED,
        "Access-Control-Allow-Credentials": "true",
    }


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": OTHER}, {"Origin": f"{ALLOWED}/"}, {"Origin": ALLOWED.upper()}, {"Origin": "null"}],
)
async def test_no_other_origin_is_allowed(app: Any, headers: Mapping[str, str]) -> None:
    reply = await app.get("/api/hello", headers=headers)
    assert (reply.status, reply.text) == (200, "hello")
    assert shown(reply.headers) == {}


async def test_a_preflight_is_answered_before_any_function_runs(app: Any, log: Any) -> None:
    reply = await app.request(
        "OPTIONS",
        "/api/asked",
        headers={
            "Origin": ALLOWED,
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "x-requested-with,x-signalr-connection-token",
        },
    )
    assert (reply.status, reply.body) == (204, b"")
    assert shown(reply.headers) == {
        "Access-Control-Allow-Origin": ALLOWED,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "DELETE",
        "Access-Control-Allow-Headers": "x-requested-with,x-signalr-connection-token",
    }
    assert log.text == ""


async def test_a_preflight_from_elsewhere_is_answered_without_permission(app: Any) -> None:
    headers = {"Origin": OTHER, "Access-Control-Request-Method": "GET"}
    reply = await app.request("OPTIONS", "/api/hello", headers=headers)
    assert reply.status == 204
    assert shown(reply.headers) == {}


async def test_options_without_the_question_goes_to_the_app(app: Any) -> None:
    assert (await app.request("OPTIONS", "/api/asked", headers={"Origin": ALLOWED})).text == "asked"
    assert (await app.request("OPTIONS", "/api/hello", headers={"Origin": ALLOWED})).status == 404


async def test_the_host_s_word_replaces_the_app_s_own(app: Any) -> None:
    reply = await app.get("/api/own", headers={"Origin": ALLOWED})
    assert shown(reply.headers)["Access-Control-Allow-Origin"] == ALLOWED
    reply = await app.get("/api/own", headers={"Origin": OTHER})
    assert shown(reply.headers)["Access-Control-Allow-Origin"] == "http://mine"


async def test_without_cors_settings_every_request_goes_to_the_app(start_host: StartHost) -> None:
    app = await start_host(APP)
    headers = {"Origin": ALLOWED, "Access-Control-Request-Method": "GET"}
    reply = await app.request("OPTIONS", "/api/asked", headers=headers)
    assert (reply.status, reply.text) == (200, "asked")
    assert shown(reply.headers) == {}


async def test_one_of_several_origins_tells_caches_that_answers_differ(start_host: StartHost) -> None:
    app = await start_host(APP, host={"CORS": f"{ALLOWED},{OTHER}"})
    for origin in (ALLOWED, OTHER):
        reply = await app.get("/api/hello", headers={"Origin": origin})
        assert shown(reply.headers) == {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    reply = await app.get("/api/own", headers={"Origin": ALLOWED})
    assert sorted(reply.headers.getall("Vary")) == ["Accept", "Origin"]


async def test_a_star_allows_every_origin(start_host: StartHost) -> None:
    app = await start_host(APP, host={"CORS": "*"})
    reply = await app.get("/api/hello", headers={"Origin": OTHER})
    assert shown(reply.headers) == {"Access-Control-Allow-Origin": "*"}


async def test_settings_of_cors_are_taken_up_without_a_restart(start_host: StartHost, log: Any) -> None:
    app = await start_host(APP)
    assert shown((await app.get("/api/hello", headers={"Origin": ALLOWED})).headers) == {}
    app.write("local.settings.json", json.dumps({"Host": {"CORS": ALLOWED}}))
    await log.wait_for("The app is loaded again")
    reply = await app.get("/api/hello", headers={"Origin": ALLOWED})
    assert shown(reply.headers) == {"Access-Control-Allow-Origin": ALLOWED}
