"""Where the app's modules are found: in its own folder, whatever PYTHONPATH says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from signalr_local.worker import paths

type Found = Callable[..., dict[str, str]]

SCRIPT = """
import importlib, json, runpy, sys
runpy.run_path(sys.argv[1])["find_modules_of"](sys.argv[2], sys.argv[3])
found = {}
for name in sys.argv[4:]:
    module = importlib.import_module(name)
    found[name] = module.__file__ or next(iter(module.__path__))
print(json.dumps(found))
"""


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Write modules, and import some of them in a process of its own, from where the app's are found."""

    def found(
        files: list[str], *names: str, python_path: str = "", script: str = "function_app"
    ) -> dict[str, str]:
        for name in files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        done = subprocess.run(
            [sys.executable, "-P", "-c", SCRIPT, str(paths.__file__), str(tmp_path / "app"), script, *names],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(tmp_path / p) for p in python_path.split())},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        modules: dict[str, str] = json.loads(done.stdout)
        return {name: file.removeprefix(f"{tmp_path}/") for name, file in modules.items()}

    return found


@pytest.mark.parametrize("name", ["function_app", "blueprints.events"])
def test_another_app_on_the_python_path_is_not_served(found: Found, name: str) -> None:
    file = f"{name.replace('.', '/')}.py"
    packages = [f"{root}/blueprints/__init__.py" for root in ("app", "other")]
    assert found([f"app/{file}", f"other/{file}", *packages], name, python_path="other") == {
        name: f"app/{file}"
    }


def test_an_installed_module_of_the_main_module_s_name_is_not_served(found: Found) -> None:
    files = ["app/function_app.py", "app/.python_packages/lib/site-packages/function_app.py"]
    assert found(files, "function_app") == {"function_app": "app/function_app.py"}


def test_what_only_the_python_path_has_is_found(found: Found) -> None:
    assert found(["app/function_app.py", "other/tools.py"], "tools", python_path="other") == {
        "tools": "other/tools.py"
    }


def test_a_mere_folder_of_the_app_hides_no_package(found: Found) -> None:
    files = ["app/docs/readme.txt", "other/docs/__init__.py"]
    assert found(files, "docs", python_path="other") == {"docs": "other/docs/__init__.py"}


def test_the_app_s_own_packages_come_first(found: Found) -> None:
    files = ["app/tools.py", "app/.python_packages/lib/site-packages/tools.py", "other/tools.py"]
    expected = "app/.python_packages/lib/site-packages/tools.py"
    assert found(files, "tools") == {"tools": expected}


def test_installed_packages_come_before_the_app_s_folder_as_in_azure(found: Found) -> None:
    assert "site-packages" in found(["app/yarl.py"], "yarl")["yarl"]


def test_the_main_module_may_have_another_name(found: Found) -> None:
    files = ["app/main.py", "other/main.py"]
    assert found(files, "main", python_path="other", script="main") == {"main": "app/main.py"}
