"""The worker process: what the app says, and how it ends."""

import asyncio
import json
import logging
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from signalr_local.host import supervisor
from signalr_local.host.failures import describe_error
from signalr_local.host.worker import AppError

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

APP = """
import asyncio
import contextvars
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
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

def in_own_thread(context, text):
    context.thread_local_storage.invocation_id = context.invocation_id
    print(text)

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

@app.route()
def stdin(req: func.HttpRequest) -> str:
    return repr(sys.stdin.read())

def end(how):
    match how:
        case "exit":
            sys.exit(3)
        case "exit-text":
            sys.exit("goodbye")
        case "interrupt":
            raise KeyboardInterrupt
        case "cancel":
            raise asyncio.CancelledError
        case "kill":
            os._exit(3)

@app.route(route="end/{how}")
def ends(req: func.HttpRequest) -> str:
    end(req.route_params["how"])

@app.route(route="end_async/{how}")
async def ends_async(req: func.HttpRequest) -> str:
    end(req.route_params["how"])

@app.route()
async def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())

@app.route()
def environment(req: func.HttpRequest) -> str:
    return json.dumps(dict(os.environ))

@app.route()
def block(req: func.HttpRequest) -> str:
    time.sleep(600)

@app.route()
async def block_loop(req: func.HttpRequest) -> str:
    time.sleep(600)

waiting = asyncio.Event()

@app.route()
async def wait(req: func.HttpRequest) -> str:
    print("waiting")
    await waiting.wait()
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost) -> Any:
    """Run an app whose worker no test ends."""
    return await start_shared_host(APP, settings={"MY_SETTING": "mine", "EMPTY": ""})


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker that ended be replaced without delay."""
    monkeypatch.setattr(supervisor, "_PAUSES", (0.0,))


# What the app says.


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


async def test_a_function_finds_nothing_to_read(app: Any) -> None:
    assert (await app.get("/api/stdin")).text == "''"


# What the app finds.


async def test_settings_are_in_the_environment(app: Any) -> None:
    found = json.loads((await app.get("/api/environment")).text)
    expected = {
        "MY_SETTING": "mine",
        "EMPTY": "",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "WEBSITE_HOSTNAME": f"localhost:{app.host.port}",
        "AzureWebJobsScriptRoot": str(app.folder),
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "FUNCTIONS_CORETOOLS_ENVIRONMENT": "true",
    }
    assert found.items() >= expected.items()
    assert found["PATH"] == os.environ["PATH"]


async def test_the_environment_wins_over_settings(
    start_host: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SETTING", "from outside")
    app = await start_host(APP, settings={"MY_SETTING": "mine"})
    assert json.loads((await app.get("/api/environment")).text)["MY_SETTING"] == "from outside"


NAMED = """
import azure.functions as func
import frames
import signalr_local
import tests.helpers
import worker

app = func.FunctionApp()

@app.route()
def names(req: func.HttpRequest) -> str:
    return " ".join([signalr_local.NAME, tests.helpers.NAME, frames.NAME, worker.NAME])
"""


async def test_an_app_may_use_the_names_of_this_project(start_host: StartHost) -> None:
    files = {
        "function_app.py": NAMED,
        "signalr_local/__init__.py": "NAME = 'my local'",
        "tests/helpers.py": "NAME = 'my tests'",
        "frames.py": "NAME = 'my frames'",
        "worker.py": "NAME = 'my worker'",
    }
    app = await start_host(files)
    assert (await app.get("/api/names")).text == "my local my tests my frames my worker"


async def test_packages_of_the_app_come_before_installed_ones(start_host: StartHost) -> None:
    app = await start_host(
        {
            "function_app.py": """
import azure.functions as func
import attrs
import json5_of_mine

app = func.FunctionApp()

@app.route()
def names(req: func.HttpRequest) -> str:
    return attrs.NAME + json5_of_mine.NAME
""",
            ".python_packages/lib/site-packages/attrs.py": "NAME = 'packaged '",
            "attrs.py": "NAME = 'beside the app '",
            "json5_of_mine.py": "NAME = 'beside the app'",
        }
    )
    assert (await app.get("/api/names")).text == "packaged beside the app"


async def test_the_app_s_folder_stays_clean(start_host: StartHost) -> None:
    app = await start_host(
        {
            "function_app.py": "import extra\nimport azure.functions as func\napp = func.FunctionApp()",
            "extra.py": "",
        }
    )
    assert sorted(path.name for path in app.folder.iterdir()) == [
        "extra.py",
        "function_app.py",
        "local.settings.json",
    ]


async def test_an_app_without_functions_answers_404(start_host: StartHost) -> None:
    app = await start_host("import azure.functions as func\napp = func.FunctionApp()")
    assert (await app.get("/api/any")).status == 404


# How functions end the process, or do not.


@pytest.mark.parametrize("function", ["end", "end_async"])
@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("exit", "SystemExit: 3"),
        ("exit-text", "SystemExit: goodbye"),
        ("interrupt", "KeyboardInterrupt"),
        ("cancel", "CancelledError"),
    ],
)
async def test_a_function_that_exits_fails_and_nothing_else(
    app: Any, log: Any, function: str, how: str, error: str
) -> None:
    pid = (await app.get("/api/pid")).text
    reply = await app.get(f"/api/{function}/{how}")
    assert (reply.status, reply.body) == (500, b"")
    assert error in log.find("Exception while executing function").getMessage()
    assert (await app.get("/api/pid")).text == pid


@pytest.mark.parametrize("function", ["end", "end_async"])
async def test_a_process_that_ends_is_replaced(
    start_host: StartHost, log: Any, no_pause: None, function: str
) -> None:
    app = await start_host(APP)
    pid = (await app.get("/api/pid")).text
    reply = await app.get(f"/api/{function}/kill")
    assert (reply.status, reply.body) == (500, b"")
    assert "WorkerProcessExit: the worker process ended with exit code 3" in log.text
    await log.wait_for("The worker process ended with exit code 3. Another one is started.")
    await log.wait_for("The app is loaded again: ")
    reply = await app.get("/api/pid")
    assert reply.status == 200
    assert reply.text != pid


ENDING = """
import asyncio
import sys

import azure.functions as func

app = func.FunctionApp()

@app.route()
async def cancel(req: func.HttpRequest) -> str:
    for task in asyncio.all_tasks():
        task.cancel()
    return "done"

@app.route()
async def stop(req: func.HttpRequest) -> str:
    asyncio.get_running_loop().stop()
    return "done"

@app.route(route="exit")
async def leave(req: func.HttpRequest) -> str:
    asyncio.get_running_loop().call_soon(sys.exit, 3)
    return "done"

@app.route()
async def ok(req: func.HttpRequest) -> str:
    return "ok"
"""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("cancel", "cancelled every task of the event loop"),
        ("stop", "stopped the event loop"),
        ("exit", "raised SystemExit(3) in a task or a callback of the event loop"),
    ],
)
async def test_an_app_that_ends_the_event_loop_is_told_so_without_our_frames(
    start_host: StartHost, log: Any, no_pause: None, function: str, said: str
) -> None:
    app = await start_host(ENDING)
    await app.get(f"/api/{function}")
    await log.wait_for(f"The app {re.escape(said)}, which ends the worker.")
    assert (await app.get("/api/ok")).text == "ok"
    assert "signalr_local" not in log.text


CRASHING = """
import ctypes

import azure.functions as func

app = func.FunctionApp()

@app.route()
def crash(req: func.HttpRequest) -> str:
    return ctypes.string_at(0)
"""


async def test_a_crash_is_told_with_its_line_and_is_no_stall(
    start_host: StartHost, log: Any, no_pause: None
) -> None:
    app = await start_host(CRASHING)
    assert (await app.get("/api/crash")).status == 500
    await log.wait_for(
        "The worker process ended by SIGSEGV, at function_app.py, line 10. Another one is started."
    )
    assert "blocked the event loop" not in log.text


async def test_an_app_that_turns_logging_off_still_shows_its_failures(
    start_host: StartHost, log: Any
) -> None:
    app = await start_host(FAILING_SILENTLY)
    await log.wait_for("The app has turned logging off")
    await app.get("/api/fail")
    text = (await log.wait_for("Exception while executing function")).getMessage()
    assert "ValueError: my own mistake" in text
    assert "azure_functions_runtime" not in text


FAILING_SILENTLY = """
import logging

import azure.functions as func

logging.disable()
app = func.FunctionApp()

@app.route()
def fail(req: func.HttpRequest) -> str:
    raise ValueError("my own mistake")
"""


async def test_a_request_between_two_processes_waits_for_the_second(
    start_host: StartHost, no_pause: None
) -> None:
    app = await start_host(APP)
    await app.get("/api/end/kill")
    assert (await app.get("/api/pid")).status == 200


@pytest.mark.parametrize("function", ["block", "block_loop"])
async def test_a_function_that_runs_too_long_is_ended_with_its_process(
    start_host: StartHost, log: Any, no_pause: None, function: str
) -> None:
    app = await start_host(APP, host_json={"functionTimeout": "00:00:01"})
    pid = (await app.get("/api/pid")).text
    reply = await app.get(f"/api/{function}")
    assert reply.status == 500
    text = log.find("Timeout value of").getMessage()
    assert f"exceeded by function 'Functions.{function}'" in text
    await log.wait_for("The app is loaded again: ")
    assert (await app.get("/api/pid")).text != pid


async def test_a_request_that_waits_when_the_process_ends_is_answered(
    start_host: StartHost, log: Any, no_pause: None
) -> None:
    app = await start_host(APP)
    waiting = asyncio.create_task(app.get("/api/wait"))
    await log.wait_for("^waiting$")
    assert (await app.get("/api/end/kill")).status == 500
    assert (await waiting).status == 500
    await log.wait_for("The app is loaded again: ")


# Apps that cannot be loaded.


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import sys\nsys.exit()", "the app called sys.exit(None) while it was imported"),
        ("import sys\nsys.exit(2)", "the app called sys.exit(2) while it was imported"),
        ("import os\nos._exit(0)", "the worker process ended with exit code 0 while it loaded the app"),
    ],
)
async def test_an_app_that_exits_while_it_is_imported_is_told_so(
    start_host: StartHost, source: str, message: str
) -> None:
    with pytest.raises(AppError) as raised:
        await start_host(source)
    assert describe_error(raised.value) == message


@pytest.mark.parametrize(
    ("files", "end", "places"),
    [
        (
            {"function_app.py": "import azure.functions\n\ndef broken(:\n    pass\n"},
            "SyntaxError: invalid syntax",
            ['function_app.py", line 3'],
        ),
        (
            {"function_app.py": "import pages", "pages.py": "\nraise RuntimeError('my own mistake')\n"},
            "RuntimeError: my own mistake",
            ['function_app.py", line 1', 'pages.py", line 2'],
        ),
        (
            {"function_app.py": "import no_such_module"},
            "ModuleNotFoundError: No module named 'no_such_module'",
            ['function_app.py", line 1'],
        ),
        (
            {
                "function_app.py": "try:\n  1 / 0\nexcept ValueError:\n  pass\nfinally:\n  import odd",
                "odd.py": "raise LookupError('odd\\n  indented')",
            },
            "LookupError: odd\n  indented",
            ["ZeroDivisionError", 'function_app.py", line 2', 'function_app.py", line 6', 'odd.py", line 1'],
        ),
    ],
    ids=["syntax", "own-module", "missing-module", "chain"],
)
async def test_an_app_that_cannot_be_imported_shows_its_own_traceback(
    start_host: StartHost, files: dict[str, str], end: str, places: list[str]
) -> None:
    with pytest.raises(AppError) as raised:
        await start_host(files)
    text = describe_error(raised.value)
    assert text.startswith("Traceback (most recent call last):\n")
    assert end in text
    for place in places:
        assert place in text
    assert "azure_functions_runtime" not in text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def f(req: func.HttpRequest, other: str) -> str: ...", "other"),
        ("def f(req: func.HttpRequest) -> dict: ...", "dict"),
        ("def f() -> str: ...", "req"),
    ],
    ids=["unbound", "annotation", "missing"],
)
async def test_a_function_that_does_not_fit_its_bindings_is_told_so(
    start_host: StartHost, body: str, message: str
) -> None:
    source = f"import azure.functions as func\napp = func.FunctionApp()\n@app.route()\n{body}"
    with pytest.raises(AppError) as raised:
        await start_host(source)
    text = describe_error(raised.value)
    assert text.startswith("FunctionLoadError: cannot load the f function: ")
    assert message in text


async def test_a_folder_that_hides_azure_functions_is_named(start_host: StartHost) -> None:
    files = {
        "function_app.py": "import azure.functions as func\napp = func.FunctionApp()\n",
        "azure/__init__.py": "",
        "azure/helper.py": "X = 1\n",
    }
    with pytest.raises(AppError) as raised:
        await start_host(files)
    text = describe_error(raised.value)
    assert "ModuleNotFoundError: No module named 'azure.functions'" in text
    assert re.search(r"app0/azure hides the installed package azure: rename it\.$", text)


async def test_a_requirement_of_the_app_that_is_not_installed_is_named(start_host: StartHost) -> None:
    files = {
        "function_app.py": "import azure.functions as func\nimport no_such_package  # noqa: F401\n",
        "requirements.txt": "azure-functions\nno-such-package\n",
    }
    with pytest.raises(AppError) as raised:
        await start_host(files)
    text = describe_error(raised.value)
    assert text.count("Traceback") == 1
    assert "Current sys.path" not in text
    assert re.search(
        r"no-such-package is in \S+/requirements.txt, but not installed here\. Run: \S+ -m pip", text
    )


async def test_the_main_module_may_have_another_name(start_host: StartHost) -> None:
    source = "import azure.functions as func\napp = func.FunctionApp()\n@app.route()\n"
    files = {"main.py": f"{source}def say(req: func.HttpRequest) -> str:\n    return 'main'\n"}
    app = await start_host(files, settings={"PYTHON_SCRIPT_FILE_NAME": "main.py"})
    assert (await app.get("/api/say")).text == "main"


async def test_another_app_on_the_python_path_is_not_served(start_host: StartHost, tmp_path: Path) -> None:
    source = "import azure.functions as func\nfrom parts import one\napp = func.FunctionApp()\n@app.route()\n"
    say = "def say(req: func.HttpRequest) -> str:\n    return {} + one.WORD\n"
    other = tmp_path / "other"
    (other / "parts").mkdir(parents=True)
    (other / "parts" / "one.py").write_text("WORD = ' and other'")
    (other / "parts" / "__init__.py").touch()
    (other / "function_app.py").write_text(source + say.format("'other'"))
    files = {
        "function_app.py": source + say.format("'mine'"),
        "parts/one.py": "WORD = ' and mine'",
        "parts/__init__.py": "",
    }
    app = await start_host(files, settings={"PYTHONPATH": str(other)})
    assert (await app.get("/api/say")).text == "mine and mine"


async def test_levels_reach_the_console_s_filter(start_host: StartHost) -> None:
    app = await start_host(APP, host_json={"logging": {"logLevel": {"Function.say": "Error"}}})
    record = logging.LogRecord("signalr_local.host", logging.WARNING, "", 0, "", None, None)
    record.category = "Function.say.User"
    assert not app.host._levels.filter(record)
