"""Tracebacks: the app's own lines, its own error, and what it means."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.functions as func
import pytest
from azure_functions_runtime.utils.wrappers import attach_message_to_exception

from signalr_local.worker import tracebacks

type Fail = Callable[..., BaseException]


@pytest.fixture
def fail(tmp_path: Path) -> Fail:
    """Import a module of an app, which fails, and return what it raises."""

    def fail(source: str, **others: str) -> BaseException:
        for name, text in {"function_app": source, **others}.items():
            (tmp_path / f"{name}.py").write_text(text)
        try:
            load(tmp_path / "function_app.py")
        except BaseException as error:  # noqa: BLE001 - whatever it is
            return error
        raise AssertionError("the module was imported")

    return fail


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("function_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files_in(stack: str) -> list[str]:
    return [Path(line.split('"')[1]).name for line in stack.splitlines() if line.startswith("  File ")]


def test_only_the_app_s_frames_are_shown(fail: Fail, tmp_path: Path) -> None:
    error = fail("def check():\n    raise LookupError('wrong')\n\ncheck()\n")
    stack = tracebacks.format_stack(error, str(tmp_path))
    assert files_in(stack) == ["function_app.py", "function_app.py"]
    assert stack.startswith("Traceback (most recent call last):\n")
    assert stack.endswith("LookupError: wrong")


def test_the_line_of_a_package_that_raised_is_shown(fail: Fail, tmp_path: Path) -> None:
    error = fail("import json\njson.loads('{')\n")
    assert files_in(tracebacks.format_stack(error, str(tmp_path))) == ["function_app.py", "decoder.py"]


def test_a_library_that_speaks_to_the_app_s_author_shows_no_line(fail: Fail, tmp_path: Path) -> None:
    error = fail(
        "import azure.functions as func\nfunc.FunctionApp().route(methods=1)(lambda req: 1).build()\n"
    )
    assert files_in(tracebacks.format_stack(error, str(tmp_path))) == ["function_app.py"]


def test_an_error_outside_of_the_app_has_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no number") as raised:
        int("no number")
    assert tracebacks.format_stack(raised.value, str(tmp_path / "app")) == ""


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("import os\nos.pat", "AttributeError: module 'os' has no attribute 'pat'. Did you mean: 'path'?", 2),
        ("from os import pat", "ImportError: cannot import name 'pat' from 'os'", 1),
        ("prnt(1)", "NameError: name 'prnt' is not defined. Did you mean: 'print'?", 1),
        ("\n\ndef f(:\n  pass", "SyntaxError: invalid syntax (function_app.py, line 3)", 3),
        ("import no_such", "ModuleNotFoundError: No module named 'no_such'", 1),
        ("import none.such", "ModuleNotFoundError: No module named 'none'", 1),
    ],
    ids=["attribute", "import", "name", "syntax", "module", "package"],
)
def test_python_s_own_words_and_the_place_are_kept(
    fail: Fail, tmp_path: Path, source: str, message: str, line: int
) -> None:
    found = tracebacks.describe(fail(source), str(tmp_path))
    assert found["message"].startswith(message)
    assert found["place"] == {"file": str(tmp_path / "function_app.py"), "line": line}


def test_the_suggestion_of_an_import_survives_the_worker_library(fail: Fail, tmp_path: Path) -> None:
    original = fail("from json import dump_s")

    def index() -> None:
        raise original

    message = f"Cannot find module. Please check the requirements.txt file. Current sys.path: {sys.path}"
    with pytest.raises(ImportError) as raised:
        attach_message_to_exception(expt_type=ImportError, message=message)(index)()
    found = tracebacks.describe(tracebacks.cause_of(raised.value), str(tmp_path))
    assert "Did you mean: 'dumps'?" in found["message"]
    assert "sys.path" not in found["message"] + found["stack"]
    assert "During handling" not in found["stack"]


def test_an_error_of_the_app_that_looks_like_the_library_s_is_kept() -> None:
    error = ImportError("mine")
    assert tracebacks.cause_of(error) is error


def test_the_errors_that_led_to_one_are_shown(fail: Fail, tmp_path: Path) -> None:
    error = fail(
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise LookupError('odd') from error\n"
    )
    stack = tracebacks.format_stack(error, str(tmp_path))
    assert "ZeroDivisionError" in stack
    assert files_in(stack) == ["function_app.py", "function_app.py"]


def test_a_folder_that_hides_a_package_is_named(fail: Fail, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "yarl").mkdir()
    (tmp_path / "yarl" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in [name for name in sys.modules if name.partition(".")[0] == "yarl"]:
        monkeypatch.delitem(sys.modules, name)
    found = tracebacks.describe(fail("from yarl import URL"), str(tmp_path))
    assert found["hint"] == f"{tmp_path / 'yarl'} hides the installed package yarl: rename it."


def test_a_folder_that_hides_nothing_is_not_named(fail: Fail, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "mine_alone").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = tracebacks.describe(fail("import mine_alone.other"), str(tmp_path))
    assert (found["hint"], found["module"]) == ("", "mine_alone.other")


@pytest.mark.parametrize("kind", ["FunctionApp", "Blueprint"])
@pytest.mark.parametrize("name", ["signalr_trigger", "signalr_output", "add_signalr_upstream"])
def test_signalr_decorator_of_a_plain_app_is_told_where_it_is(kind: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(getattr(func, kind)(), name)
    assert tracebacks.describe(raised.value, str(tmp_path))["hint"] == (
        f"{name} belongs to the {kind} of serverless_signalr, not to that of azure.functions. Use that one: "
        f"from serverless_signalr import {kind}"
    )


def test_other_attributes_have_no_hint(tmp_path: Path) -> None:
    for thing, name in ((func.FunctionApp(), "rout"), (object(), "signalr_trigger")):
        with pytest.raises(AttributeError) as raised:
            getattr(thing, name)
        assert tracebacks.describe(raised.value, str(tmp_path))["hint"] == ""
