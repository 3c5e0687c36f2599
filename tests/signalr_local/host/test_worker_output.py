"""What an app prints and logs, on its way to the log of the host."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

APP = """
import asyncio
import contextvars
import logging
import os
import subprocess
import sys
import threading
import warnings

import azure.functions as func

app = func.FunctionApp()

print("imported")

class Unformattable:
    def __str__(self):
        raise ValueError("no text")

def in_thread(function, *arguments):
    thread = threading.Thread(target=contextvars.copy_context().run, args=(function, *arguments))
    thread.start()
    thread.join()

SAYINGS = {
    "print": lambda: print("hello"),
    "print-lines": lambda: print("one\\ntwo"),
    "print-parts": lambda: (print("a", end=""), print("b", end="", flush=True), print("c")),
    "print-blank": lambda: print(),
    "print-unicode": lambda: print("caf\\u00e9 \\ud800"),
    "print-long": lambda: print("x" * 1_000_000),
    "print-thread": lambda: in_thread(print, "hello"),
    "debug": lambda: logging.debug("hello"),
    "info": lambda: logging.info("hello %s", "you"),
    "warning": lambda: logging.getLogger("mine").warning("hello"),
    "error": lambda: logging.getLogger("mine.own").error("hello"),
    "critical": lambda: logging.critical("hello"),
    "exception": lambda: logging.error("hello", exc_info=ValueError("wrong")),
    "system": lambda: logging.getLogger("azure.functions.other").error("hello"),
    "warn": lambda: warnings.warn("hello", UserWarning, stacklevel=1),
    "broken": lambda: logging.info("%d", Unformattable()),
    "stderr": lambda: print("a line", file=sys.stderr),
    "stderr-error": lambda: print("an Error", file=sys.stderr),
    "stderr-warning": lambda: print("a WARNING of an error", file=sys.stderr),
    "descriptor-1": lambda: os.write(1, b"a line\\n"),
    "descriptor-odd": lambda: os.write(1, b"\\xff\\n"),
    "buffer": lambda: sys.stdout.buffer.write("hello\\n".encode()),
    "reconfigure": lambda: (sys.stdout.reconfigure(encoding="utf-8"), print("hello")),
    "print-no-end": lambda: print("hello", end=""),
    "print-progress": lambda: print("10%\\r20%\\r", end=""),
    "subprocess-stdout": lambda: subprocess.run(
        [sys.executable, "-Sc", "print('a line')"], check=True, stdout=sys.stdout
    ),
    "subprocess": lambda: subprocess.run([sys.executable, "-Sc", "print('a line')"], check=True),
}

@app.route(route="say/{what}")
def say(req: func.HttpRequest) -> str:
    SAYINGS[req.route_params["what"]]()
    return "said"

@app.route(route="say_async/{what}")
async def say_async(req: func.HttpRequest) -> str:
    await asyncio.sleep(0)
    SAYINGS[req.route_params["what"]]()
    return "said"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost) -> Any:
    """Run an app whose worker no test ends."""
    return await start_shared_host(APP)


@pytest.mark.parametrize("function", ["say", "say_async"])
@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("print", [("INFO", "hello")]),
        ("print-lines", [("INFO", "one"), ("INFO", "two")]),
        ("print-parts", [("INFO", "abc")]),
        ("print-blank", [("INFO", "")]),
        ("print-unicode", [("INFO", "café \ud800")]),
        ("print-long", [("INFO", "x" * 1_000_000)]),
        ("print-thread", [("INFO", "hello")]),
        ("print-no-end", [("INFO", "hello")]),
        ("print-progress", [("INFO", "10%"), ("INFO", "20%")]),
        ("buffer", [("INFO", "hello")]),
        ("reconfigure", [("INFO", "hello")]),
        ("debug", []),
        ("info", [("INFO", "hello you")]),
        ("warning", [("WARNING", "hello")]),
        ("error", [("ERROR", "hello")]),
        ("critical", [("CRITICAL", "hello")]),
        ("exception", [("ERROR", "hello\nValueError: wrong")]),
        ("system", []),
    ],
)
async def test_what_a_function_says_is_logged_in_its_name(
    app: Any, log: Any, function: str, what: str, expected: list[tuple[str, str]]
) -> None:
    assert (await app.get(f"/api/{function}/{what}")).text == "said"
    start, *said, end = log.records
    assert start.getMessage().startswith(f"Executing 'Functions.{function}'")
    assert end.getMessage().startswith(f"Executed 'Functions.{function}'")
    assert [(record.levelname, record.getMessage()) for record in said] == expected
    assert {record.category for record in said} <= {f"Function.{function}.User"}


async def test_a_warning_is_logged_as_one(app: Any, log: Any) -> None:
    await app.get("/api/say/warn")
    record = log.find("UserWarning: hello")
    assert record.levelname == "WARNING"
    assert record.category == "Function.say.User"
    assert f"{app.folder / 'function_app.py'}:" in record.getMessage()


async def test_a_record_that_cannot_be_formatted_fails_no_function(app: Any, log: Any) -> None:
    assert (await app.get("/api/say/broken")).text == "said"
    await log.wait_for("--- Logging error ---")


@pytest.mark.parametrize(
    ("what", "level", "text"),
    [
        ("stderr", "INFO", "a line"),
        ("stderr-error", "ERROR", "an Error"),
        ("stderr-warning", "WARNING", "a WARNING of an error"),
        ("descriptor-1", "INFO", "a line"),
        ("descriptor-odd", "INFO", "\N{REPLACEMENT CHARACTER}"),
        ("subprocess", "INFO", "a line"),
        ("subprocess-stdout", "INFO", "a line"),
    ],
)
async def test_what_goes_past_python_s_output_is_logged_too(
    app: Any, log: Any, what: str, level: str, text: str
) -> None:
    assert (await app.get(f"/api/say/{what}")).text == "said"
    record = await log.wait_for(f"^{text}$")
    assert record.levelname == level
    assert record.category == "Host.Function.Console"


async def test_what_the_app_prints_while_it_is_imported_is_logged(start_host: StartHost, log: Any) -> None:
    await start_host(APP)
    assert log.find("^imported$").category == "Host.Function.Console"


async def test_debug_appears_where_setting_and_host_json_ask_for_it(start_host: StartHost, log: Any) -> None:
    levels = {"logging": {"logLevel": {"Function": "Debug"}}}
    app = await start_host(APP, settings={"PYTHON_ENABLE_DEBUG_LOGGING": "1"}, host_json=levels)
    await app.get("/api/say/debug")
    record = log.find("^hello$")
    assert (record.levelname, record.category) == ("DEBUG", "Function.say.User")
    assert app.host._levels.filter(record)


async def test_levels_reach_the_console_s_filter(start_host: StartHost) -> None:
    app = await start_host(APP, host_json={"logging": {"logLevel": {"Function.say": "Error"}}})
    record = logging.LogRecord("signalr_local.host", logging.WARNING, "", 0, "", None, None)
    record.category = "Function.say.User"
    assert not app.host._levels.filter(record)
