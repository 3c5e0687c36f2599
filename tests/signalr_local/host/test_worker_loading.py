"""Loading an app in the worker: which modules it finds, and what is said of one that cannot be loaded."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from signalr_local.host.failures import describe_error
from signalr_local.host.worker import AppError

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]


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
