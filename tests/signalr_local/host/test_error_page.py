"""What is answered while the app is broken: a page for people, a problem for programs."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from signalr_local.host.error_page import reason
from signalr_local.host.failures import AppError, Place

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

HTML = {"Accept": "text/html,application/xhtml+xml"}

GOOD = """
import azure.functions as func

app = func.FunctionApp()

@app.route()
def say(req: func.HttpRequest) -> str:
    return "well"
"""

KEY = "AccessKey=" + "k" * 44

BROKEN = f"""import azure.functions as func

title = "</script><script>alert(1)</script>"
connection = "Endpoint=http://localhost;{KEY};Version=1.0;"
raise LookupError(title + connection)
"""


@pytest_asyncio.fixture(loop_scope="module")
async def app(start_host: StartHost, log: Any) -> Any:
    """Return an app that was broken by an edit."""
    app = await start_host(GOOD)
    app.write("function_app.py", BROKEN)
    await log.wait_for("requests get 503 until then")
    return app


async def test_a_browser_is_shown_the_code(app: Any) -> None:
    reply = await app.get("/api/say", headers=HTML)
    assert reply.status == 503
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "<p>function_app.py, line 5:</p>" in reply.text
    assert "<mark>    5  raise LookupError(title + connection)</mark>" in reply.text


async def test_nothing_of_the_app_becomes_markup_and_no_key_is_shown(app: Any) -> None:
    text = (await app.get("/api/say", headers=HTML)).text
    assert "<script>alert" not in text
    assert text.count("</script>") == 1
    assert KEY not in text
    assert "Traceback" not in text


async def test_a_program_is_told_why_without_a_traceback(app: Any) -> None:
    reply = await app.post("/api/say", headers=HTML)
    assert reply.status == 503
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert reply.headers["Retry-After"] == "1"
    problem = reply.json()
    assert (problem["status"], problem["title"]) == (503, "Service Unavailable")
    assert "LookupError" in problem["detail"]
    assert "(function_app.py, line 5)" in problem["detail"]
    assert KEY not in reply.text
    assert "Traceback (" not in reply.text


async def test_the_page_finds_out_when_the_app_is_well_again(app: Any, log: Any) -> None:
    page = (await app.get("/api/say", headers=HTML)).text
    assert re.search(r'fetch\("/admin/host/status"', page)
    status = (await app.get("/admin/host/status")).json()
    assert status["state"] == "Error"
    # What the page compares with is what the host says.
    shown = re.search(r"\[0\] !== (\".*\")\)", page)
    assert shown is not None
    assert shown[1].encode().decode("unicode_escape").strip('"').startswith("LookupError: </script>")
    assert "Traceback" not in status["errors"][0]
    app.write("function_app.py", GOOD)
    await log.wait_for("The app is loaded again")
    assert (await app.get("/admin/host/status")).json()["state"] == "Running"
    assert (await app.get("/api/say", headers=HTML)).text == "well"


async def test_connections_stay_open(app: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", app.host.port)
    for _ in range(3):
        writer.write(b"GET /api/say HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503")
        length = re.search(rb"Content-Length: (\d+)", head)
        assert length is not None
        await reader.readexactly(int(length[1]))
    writer.close()


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (ValueError("wrong"), "wrong"),
        (AppError("one\ntwo"), "one"),
        (AppError("wrong", place=Place("/app/pages.py", 7)), "wrong (pages.py, line 7)"),
        (
            AppError("SyntaxError: bad (a.py, line 3)", place=Place("/a.py", 3)),
            "SyntaxError: bad (a.py, line 3)",
        ),
        (ValueError(), "ValueError"),
        (ValueError(f"in Endpoint=http://a;{KEY};x"), "in Endpoint=http://a;AccessKey=…;x"),
    ],
    ids=["plain", "lines", "place", "syntax", "nothing", "key"],
)
async def test_a_problem_is_told_in_one_line(problem: Exception, text: str) -> None:
    assert reason(problem) == text


async def test_an_app_without_a_traceback_promises_none(start_host: StartHost, log: Any) -> None:
    app = await start_host(GOOD)
    (app.folder / "function_app.py").unlink()
    await log.wait_for("requests get 503 until then")
    detail = (await app.get("/api/say")).json()["detail"]
    assert detail.endswith("or name it with --app. More is in the log of the local runtime.")
