"""HTTP functions: what a request becomes for a function, and what becomes of its answer."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from signalr_local.host import server as server_module
from tests.signalr_local.host.conftest import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

APP = """
import asyncio
import json
import threading

import azure.functions as func

app = func.FunctionApp()

def seen(req):
    return func.HttpResponse(json.dumps({
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }), mimetype="application/json")

@app.route(route="echo/{first}/{second?}")
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    return seen(req)

@app.route(route="rest/{*path}", methods=["GET"])
def rest(req: func.HttpRequest) -> func.HttpResponse:
    return seen(req)

@app.route(methods=["GET", "POST"])
def get_or_post(req: func.HttpRequest) -> str:
    return req.method

def with_headers(**headers):
    return func.HttpResponse("x", headers={name.replace("_", "-"): item for name, item in headers.items()})

def with_cookies():
    response = func.HttpResponse("x")
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2")
    return response

ANSWERS = {
    "nothing": lambda: func.HttpResponse(),
    "text": lambda: func.HttpResponse("caf\\u00e9"),
    "bytes": lambda: func.HttpResponse(bytes(range(256)), mimetype="image/png"),
    "json": lambda: func.HttpResponse("{}", mimetype="application/json"),
    "created": lambda: func.HttpResponse("{}", status_code=201),
    "no-content": lambda: func.HttpResponse(status_code=204),
    "teapot": lambda: func.HttpResponse("short", status_code=418),
    "error": lambda: func.HttpResponse("mine", status_code=500),
    "elsewhere": lambda: func.HttpResponse(status_code=302, headers={"Location": "/api/other"}),
    "headers": lambda: with_headers(X_One="1", Cache_Control="no-store"),
    "hop-by-hop": lambda: with_headers(Content_Length="99", Transfer_Encoding="chunked", Connection="close"),
    "cookies": with_cookies,
    "injected": lambda: with_headers(X_One="1\\r\\nX-Two: 2"),
    "str": lambda: "plain",
    "str-empty": lambda: "",
    "str-number": lambda: "12",
    "str-object": lambda: '{"b":[1,"caf\\u00e9"],"a":null}',
    "str-list": lambda: "[1,2]",
    "str-broken": lambda: '{"b":',
    "str-response": lambda: json.dumps(
        {"body": {"a": 1}, "status": 202, "headers": {"X-One": "1", "Content-Type": "application/json"}}
    ),
    "str-status-code": lambda: json.dumps({"body": "text", "statusCode": "404"}),
    "str-body": lambda: '{"body": ""}',
    "none": lambda: None,
    "dict": lambda: {"a": 1},
    "list": lambda: [1],
    "int": lambda: 1,
    "tuple": lambda: ("x", 200),
}

@app.route(route="answer/{name}")
def answer(req: func.HttpRequest):
    return ANSWERS[req.route_params["name"]]()

@app.route(route="set/{name}", binding_arg_name="res")
def set_response(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
    if req.route_params["name"] != "nothing":
        res.set(func.HttpResponse(req.route_params["name"], status_code=203))

@app.route(route="fails/{how}")
async def fails(req: func.HttpRequest) -> str:
    if req.route_params["how"] == "late":
        await asyncio.sleep(0)
    raise ValueError("my own mistake")

@app.route()
def fails_in_a_thread(req: func.HttpRequest) -> str:
    raise ValueError("my own mistake")

@app.route()
def context(req: func.HttpRequest, context: func.Context) -> str:
    return json.dumps([context.invocation_id, context.function_name, context.function_directory])

barrier = threading.Barrier(2, timeout=60)
others = asyncio.Barrier(2)

@app.route()
def meet(req: func.HttpRequest) -> str:
    barrier.wait()
    return "met"

@app.route()
async def meet_async(req: func.HttpRequest) -> str:
    await others.wait()
    return "met"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost) -> Any:
    """Run one app for all tests: none of them changes it."""
    return await start_shared_host(APP)


# The request.


async def test_a_request_reaches_the_function_whole(app: Any) -> None:
    path = "/api/echo/a/b?x=1&y=%26"
    seen = (await app.request("PATCH", path, data=b"\x00\xff", headers={"X-Mine": "1"})).json()
    assert seen["method"] == "PATCH"
    assert seen["url"] == app.url + path
    assert seen["query"] == {"x": "1", "y": "&"}
    assert seen["route"] == {"first": "a", "second": "b"}
    assert seen["body"] == "\x00\xff"
    assert seen["headers"]["x-mine"] == "1"
    assert seen["headers"]["host"] == app.url.removeprefix("http://")
    assert seen["headers"]["content-length"] == "2"


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("", {}),
        ("?", {}),
        ("?a=1&b=2", {"a": "1", "b": "2"}),
        ("?a=1&a=2", {"a": "1,2"}),
        ("?a=&b=2", {"b": "2"}),
        ("?a", {}),
        ("?a=x+y%20z", {"a": "x y z"}),
        ("?caf%C3%A9=%E2%82%AC", {"café": "€"}),
        ("?a=b=c", {"a": "b=c"}),
        ("?A=1&a=2", {"a": "1,2"}),
    ],
)
async def test_query_parameters_are_decoded(app: Any, query: str, params: dict[str, str]) -> None:
    assert (await app.get(f"/api/echo/x{query}")).json()["query"] == params


async def test_headers_have_lower_case_and_repeated_ones_are_joined(app: Any) -> None:
    headers = [("X-Mine", "1"), ("X-Mine", "2"), ("X-Empty", ""), ("X-Text", "café")]
    seen = (await app.get("/api/echo/x", headers=headers)).json()["headers"]
    assert seen["x-mine"] == "1,2"
    assert seen["x-empty"] == ""
    assert seen["x-text"] == "café"
    assert all(name == name.lower() for name in seen)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/echo/a", {"first": "a"}),
        ("/api/echo/a/", {"first": "a"}),
        ("/API/Echo/A", {"first": "A"}),
        ("/api/echo/a%20b/c+d", {"first": "a b", "second": "c+d"}),
        ("/api/echo/%E2%82%AC", {"first": "€"}),
        ("/api/echo/a%2Fb", {"first": "a%2Fb"}),
        ("/api/echo/a%2fb", {"first": "a%2Fb"}),
        ("/api/rest/a/b%2Fc/d", {"path": "a/b%2Fc/d"}),
        ("/api/rest", {}),
    ],
)
async def test_route_values_are_decoded_but_for_a_slash(app: Any, path: str, route: dict[str, str]) -> None:
    assert (await app.get(path)).json()["route"] == route


@pytest.mark.parametrize(("length", "status"), [(8000, 200), (8192, 414)])
async def test_a_path_may_be_as_long_as_in_azure(app: Any, length: int, status: int) -> None:
    assert (await app.get(f"/api/echo/{'x' * length}")).status == status


@pytest.mark.parametrize(("size", "status"), [(30_000, 200), (40_000, 431), (70_000, 431)])
async def test_headers_may_be_as_long_as_in_azure(app: Any, size: int, status: int) -> None:
    assert (await app.get("/api/echo/x", headers={"X-Long": "x" * size})).status == status


async def test_there_may_be_a_hundred_headers(app: Any) -> None:
    headers = {f"X-{number}": "1" for number in range(101)}
    assert (await app.get("/api/echo/x", headers=headers)).status == 431


async def test_a_body_without_a_length_is_empty_as_in_azure(app: Any, log: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    seen = (await app.post("/api/echo/x", data=pieces())).json()
    assert seen["headers"]["transfer-encoding"] == "chunked"
    assert seen["body"] == ""
    assert "A chunked body reached Functions." in log.text
    assert "the client must send it with a Content-Length" in log.text


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_a_body_reaches_the_function_as_it_was_sent(app: Any, encoding: str) -> None:
    reply = await app.post("/api/echo/x", data=b"abc", headers={"Content-Encoding": encoding})
    assert reply.json()["body"] == "abc"


async def test_a_large_body_arrives(app: Any) -> None:
    size = 5_000_000
    assert len((await app.post("/api/echo/x", data=io.BytesIO(bytes(size)))).json()["body"]) == size


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 500)])
async def test_a_body_has_a_largest_size(
    start_host: StartHost, monkeypatch: pytest.MonkeyPatch, size: int, status: int
) -> None:
    assert server_module._MAX_BODY == 100 * 1024 * 1024
    monkeypatch.setattr(server_module, "_MAX_BODY", 1000)
    app = await start_host(APP)
    reply = await app.post("/api/echo/x", data=bytes(size))
    assert reply.status == status
    assert (reply.body == b"") == (status == 500)


async def test_a_body_that_is_announced_too_large_is_not_waited_for(app: Any, log: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", app.host.port)
    writer.write(b"POST /api/echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857601\r\n\r\n")
    assert await asyncio.wait_for(reader.readline(), PATIENCE) == b"HTTP/1.1 500 Internal Server Error\r\n"
    writer.close()
    log.find("POST /api/echo/x was answered 500, as in Azure: a body has 100 MB at most.")


# No function.


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api"),
        ("GET", "/api/none"),
        ("GET", "/none"),
        ("GET", "/api/echo"),
        ("GET", "/api/echo/a/b/c"),
        ("DELETE", "/api/get_or_post"),
        ("HEAD", "/api/get_or_post"),
        ("OPTIONS", "/api/get_or_post"),
        ("GET", "/runtime/webhooks/other"),
    ],
)
async def test_a_request_that_fits_no_route_gets_an_empty_404(app: Any, method: str, path: str) -> None:
    reply = await app.request(method, path)
    assert reply.status == 404
    assert reply.body == b""


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_listed_method_is_taken(app: Any, method: str) -> None:
    assert (await app.request(method, "/api/get_or_post")).text == method


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"])
async def test_a_function_without_methods_takes_them_all(app: Any, method: str) -> None:
    assert (await app.request(method, "/api/echo/x")).status == 200


# The response.

TEXT = "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("name", "status", "content_type", "body"),
    [
        ("nothing", 200, None, ""),
        ("text", 200, TEXT, "café"),
        ("json", 200, "application/json", "{}"),
        ("created", 201, TEXT, "{}"),
        ("no-content", 204, None, ""),
        ("teapot", 418, TEXT, "short"),
        ("error", 500, TEXT, "mine"),
        ("str", 200, TEXT, "plain"),
        ("str-empty", 200, TEXT, ""),
        ("str-number", 200, TEXT, "12"),
        ("str-object", 200, TEXT, '{\n  "b": [\n    1,\n    "café"\n  ],\n  "a": null\n}'),
        ("str-list", 200, TEXT, "[\n  1,\n  2\n]"),
        ("str-broken", 200, TEXT, '{"b":'),
        ("str-response", 202, "application/json; charset=utf-8", '{"a": 1}'),
        ("str-status-code", 404, TEXT, "text"),
        ("str-body", 200, TEXT, ""),
    ],
)
async def test_what_a_function_returns_is_the_answer(
    app: Any, name: str, status: int, content_type: str | None, body: str
) -> None:
    reply = await app.get(f"/api/answer/{name}")
    assert reply.status == status
    assert reply.text == body
    if content_type is not None:
        assert reply.headers.getall("Content-Type") == [content_type]


async def test_bytes_are_answered_as_they_are(app: Any) -> None:
    reply = await app.get("/api/answer/bytes")
    assert reply.body == bytes(range(256))
    assert reply.headers["Content-Type"] == "image/png"


async def test_headers_are_answered(app: Any) -> None:
    reply = await app.get("/api/answer/headers")
    assert reply.headers["X-One"] == "1"
    assert reply.headers["Cache-Control"] == "no-store"
    assert (await app.get("/api/answer/str-response")).headers["X-One"] == "1"


async def test_a_redirect_is_answered(app: Any) -> None:
    reply = await app.get("/api/answer/elsewhere")
    assert (reply.status, reply.headers["Location"]) == (302, "/api/other")


async def test_every_cookie_is_answered(app: Any) -> None:
    reply = await app.get("/api/answer/cookies")
    assert sorted(reply.headers.getall("Set-Cookie")) == ["a=1; httponly; path=/", "b=2"]


async def test_what_concerns_the_connection_is_the_host_s_own(app: Any) -> None:
    reply = await app.get("/api/answer/hop-by-hop")
    assert reply.text == "x"
    assert reply.headers.getall("Content-Length") == ["1"]
    assert "Transfer-Encoding" not in reply.headers


async def test_a_header_cannot_start_another_one(app: Any) -> None:
    reply = await app.get("/api/answer/injected")
    assert reply.status == 500
    assert "X-Two" not in reply.headers


@pytest.mark.parametrize("name", ["none", "dict", "list", "int", "tuple"])
async def test_a_value_that_is_no_response_fails(app: Any, log: Any, name: str) -> None:
    reply = await app.get(f"/api/answer/{name}")
    assert (reply.status, reply.body) == (500, b"")
    record = log.find("Exception while executing function: Functions.answer. TypeError")
    assert "unable to encode outgoing TypedData" in record.getMessage()


@pytest.mark.parametrize(("name", "status", "body"), [("it", 203, "it"), ("nothing", 200, "")])
async def test_a_response_may_be_set_instead(app: Any, name: str, status: int, body: str) -> None:
    reply = await app.get(f"/api/set/{name}")
    assert (reply.status, reply.text) == (status, body)


@pytest.mark.parametrize("path", ["/api/fails/soon", "/api/fails/late", "/api/fails_in_a_thread"])
async def test_an_exception_is_an_empty_500_and_in_the_log(app: Any, log: Any, path: str) -> None:
    reply = await app.get(path)
    assert (reply.status, reply.body) == (500, b"")
    name = path.split("/")[2]
    ended: Any = log.find(f"Executed 'Functions.{name}' \\(Failed, Id=.+, Duration=\\d+ms\\)")
    assert ended.levelname == "ERROR"
    assert f"in {name}\n" in ended.event["error"]["stack"]
    record = log.find("Traceback")
    assert record.levelname == "ERROR"
    text = record.getMessage()
    assert text.startswith(
        f"Exception while executing function: Functions.{name}. ValueError: my own mistake\nTraceback"
    )
    assert f'File "{app.folder / "function_app.py"}"' in text
    assert text.count("my own mistake") == 3, "in the sentence, the source line and the traceback's end"


async def test_a_call_is_logged_with_its_start_and_its_end(app: Any, log: Any) -> None:
    identifier = json.loads((await app.get("/api/context")).text)[0]
    messages = [(record.levelname, record.getMessage()) for record in log.records]
    assert messages[0] == (
        "INFO",
        "Executing 'Functions.context' (Reason='This function was programmatically called via the host "
        f"APIs.', Id={identifier})",
    )
    assert messages[1][0] == "INFO"
    assert messages[1][1].startswith(f"Executed 'Functions.context' (Succeeded, Id={identifier}, Duration=")
    assert len(messages) == 2
    assert {record.category for record in log.records} == {"Function.context"}


async def test_a_function_may_ask_for_its_context(app: Any) -> None:
    one, other = [json.loads((await app.get("/api/context")).text) for _ in range(2)]
    assert one[1:] == ["context", str(app.folder)]
    assert one[0] != other[0]


@pytest.mark.parametrize("path", ["/api/meet", "/api/meet_async"])
async def test_functions_run_side_by_side(app: Any, path: str) -> None:
    replies = await asyncio.gather(app.get(path), app.get(path))
    assert [reply.text for reply in replies] == ["met", "met"]


async def test_many_requests_at_once_get_their_own_answers(app: Any) -> None:
    replies = await asyncio.gather(*(app.get(f"/api/echo/{number}") for number in range(100)))
    assert [reply.json()["route"]["first"] for reply in replies] == [str(number) for number in range(100)]


async def test_the_route_prefix_is_that_of_host_json(start_host: StartHost) -> None:
    app = await start_host(APP, host_json={"extensions": {"http": {"routePrefix": "v1"}}})
    assert (await app.get("/v1/echo/a")).status == 200
    assert (await app.get("/api/echo/a")).status == 404


async def test_a_wsgi_app_takes_every_path(start_host: StartHost) -> None:
    app = await start_host(
        """
import azure.functions as func

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]

app = func.WsgiFunctionApp(app=wsgi, http_auth_level=func.AuthLevel.ANONYMOUS)
""",
        host_json={"extensions": {"http": {"routePrefix": ""}}},
    )
    assert (await app.get("/")).text == "/"
    assert (await app.get("/a/b")).text == "/a/b"


async def test_the_working_folder_is_the_app_s(start_host: StartHost, tmp_path: Path) -> None:
    app = await start_host(
        """
import os
import azure.functions as func
app = func.FunctionApp()

@app.route()
def where(req: func.HttpRequest) -> str:
    return os.getcwd()
"""
    )
    assert (await app.get("/api/where")).text == str(app.folder)
