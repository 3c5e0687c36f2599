"""The library on its own: what its wheel holds, and that it works where nothing else of the project is."""

import email
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PACKAGED = ("pyproject.toml", "README.md", "LICENSE")


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from a copy: setuptools leaves its own files where it builds."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in PACKAGED:
        shutil.copy(ROOT / name, source)
    # Folders that an automatic search for packages would take along.
    for name in ("serverless_signalr", "signalr_local", "blueprints"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", str(source), "--no-deps", "--wheel-dir", str(built))
    [path] = built.iterdir()
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the wheel was installed, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", str(wheel), "--no-deps", "--no-compile", "--target", str(folder))
    return folder


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(wheel: Path) -> "email.message.Message[str, str]":
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def test_wheel_is_for_any_machine(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


def test_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    library = {str(path.relative_to(ROOT)) for path in (ROOT / "serverless_signalr").rglob("*.py")}
    assert contents(wheel) == library | {"serverless_signalr/py.typed"}


def test_wheel_needs_what_every_app_of_it_needs(wheel: Path) -> None:
    needed = metadata(wheel).get_all("Requires-Dist") or []
    names = {item.partition(">")[0].partition("<")[0].lower() for item in needed if "extra ==" not in item}
    assert names == {"azure-functions", "msgspec"}


def test_wheel_has_an_extra_for_what_only_some_need(wheel: Path) -> None:
    assert {"rest", "messagepack", "identity"} <= set(metadata(wheel).get_all("Provides-Extra") or [])


PROGRAM = """
import sys
# Isolated, Python sees neither the working folder nor the environment; this puts the wheel before the
# packages that the app has anyway.
sys.path[:0] = [{installed!r}, {packages!r}]
{code}
"""


def run(installed: Path, folder: Path, code: str) -> str:
    """Run code where the library is the installed one and the project is not to be found."""
    packages = sysconfig.get_path("purelib")
    program = PROGRAM.format(installed=str(installed), packages=packages, code=code)
    command = [sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "module",
    sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "serverless_signalr").rglob("*.py")
    ),
)
def test_every_module_is_imported_from_the_wheel(installed: Path, tmp_path: Path, module: str) -> None:
    shown = run(installed, tmp_path, f"import {module}; print({module}.__file__)")
    assert Path(shown).is_relative_to(installed)


def test_installed_library_is_typed(installed: Path) -> None:
    assert (installed / "serverless_signalr" / "py.typed").is_file()


HUB = """
import serverless_signalr, serverless_signalr.hub

class Chat(serverless_signalr.hub.ServerlessHub):
    async def send_to_all(self, text: str) -> None: ...

app = serverless_signalr.FunctionApp()
app.register_functions(Chat().blueprint)
print(*(function.get_function_name() for function in app.get_functions()))
"""


def test_hub_of_the_installed_library_has_its_functions(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, HUB) == "chat_send_to_all"


def test_installed_library_does_not_find_the_project(installed: Path, tmp_path: Path) -> None:
    code = "import importlib.util as u; print(u.find_spec('signalr_local'), u.find_spec('blueprints'))"
    assert run(installed, tmp_path, code) == "None None"
