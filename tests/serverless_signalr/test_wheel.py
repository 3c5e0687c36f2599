"""The distributions as users install them: what they hold, and that they work away from the project."""

import email
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from signalr_local.new.wheels import wheel as new_wheel

ROOT = Path(__file__).parents[2]

LIBRARY, RUNTIME = "serverless_signalr", "signalr_local"


def run_module(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, built: Path) -> Path:
    """Build an sdist and a wheel of it, and return their folder."""
    run_module("build", "--outdir", str(built), str(source))
    return built


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library's distributions, built from a copy: setuptools leaves files where it builds."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("library")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    # Folders that an automatic search for packages would take along.
    for name in (LIBRARY, RUNTIME, "blueprints"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    return build(source, built)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the local runtime's distributions."""
    source, built = tmp_path_factory.mktemp("source") / RUNTIME, tmp_path_factory.mktemp("runtime")
    shutil.copytree(
        ROOT / RUNTIME, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    )
    return build(source, built)


@pytest.fixture(scope="module")
def installed(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the library's wheel was installed, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    run_module("pip", "install", str(wheel(library)), "--no-deps", "--no-compile", "--target", str(folder))
    return folder


def wheel(built: Path) -> Path:
    [path] = built.glob("*.whl")
    return path


def contents(built: Path) -> set[str]:
    with zipfile.ZipFile(wheel(built)) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(built: Path) -> "email.message.Message[str, str]":
    with zipfile.ZipFile(wheel(built)) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def modules(package: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")}


def test_wheels_are_for_any_machine(library: Path, runtime: Path) -> None:
    assert wheel(library).name == f"serverless_signalr-{version()}-py3-none-any.whl"
    assert wheel(runtime).name == f"serverless_signalr_local-{version()}-py3-none-any.whl"


def test_wheel_of_the_library_holds_the_library_and_nothing_else(library: Path) -> None:
    assert contents(library) == modules(LIBRARY) | {f"{LIBRARY}/py.typed"}


def test_wheel_of_the_runtime_holds_every_module_of_it(runtime: Path) -> None:
    assert {name for name in contents(runtime) if name.endswith(".py")} == modules(RUNTIME)


@pytest.mark.parametrize("name", ["serverless-signalr", "serverless-signalr-local"])
def test_wheel_that_a_new_app_takes_along_is_the_one_that_is_built(
    name: str, library: Path, runtime: Path, tmp_path: Path
) -> None:
    package, built = (RUNTIME, runtime) if name.endswith("-local") else (LIBRARY, library)
    file, content = new_wheel(name, package)
    (tmp_path / file).write_bytes(content)
    assert file == wheel(built).name
    assert contents(tmp_path) == contents(built)
    for header in ("Name", "Version", "Requires-Python", "Requires-Dist", "Provides-Extra"):
        assert metadata(tmp_path).get_all(header) == metadata(built).get_all(header)


def test_index_accepts_what_is_published(library: Path, runtime: Path) -> None:
    files = [str(path) for built in (library, runtime) for path in built.iterdir()]
    assert len(files) == 4
    assert run_module("twine", "check", "--strict", *files).count("PASSED") == 4


def test_page_of_the_index_is_the_distribution_s_own(library: Path, runtime: Path) -> None:
    assert str(metadata(library).get_payload()).startswith("# serverless-signalr\n")
    assert str(metadata(runtime).get_payload()).startswith("# serverless-signalr-local\n")


def test_links_of_the_page_lead_somewhere_from_the_index(library: Path) -> None:
    page = str(metadata(library).get_payload())
    assert page.count("](") == page.count("](https://")


def test_library_needs_what_every_app_of_it_needs(library: Path) -> None:
    needed = metadata(library).get_all("Requires-Dist") or []
    names = {item.partition(">")[0].partition("<")[0].lower() for item in needed if "extra ==" not in item}
    assert names == {"azure-functions", "msgspec", "aiohttp", "azure-core"}


def test_library_has_an_extra_for_what_only_some_need(library: Path) -> None:
    assert set(metadata(library).get_all("Provides-Extra") or []) == {
        "answers",
        "identity",
        "messagepack",
        "local",
        "all",
    }


def version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def test_library_and_runtime_are_released_together(library: Path, runtime: Path) -> None:
    assert metadata(library)["Version"] == metadata(runtime)["Version"] == version()
    pins = [
        *(metadata(library).get_all("Requires-Dist") or []),
        *(metadata(runtime).get_all("Requires-Dist") or []),
    ]
    ours = [pin.partition(";")[0].strip() for pin in pins if pin.startswith("serverless-signalr")]
    assert sorted(pin for pin in ours if "==" in pin) == [
        f"serverless-signalr-local=={version()}",
        f"serverless-signalr[identity,messagepack]=={version()}",
    ]


def test_changelog_has_the_version() -> None:
    assert f"\n## [{version()}] - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_runtime_has_a_command(runtime: Path) -> None:
    with zipfile.ZipFile(wheel(runtime)) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "signalr-local = signalr_local.__main__:main" in archive.read(name).decode()


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


def test_every_module_is_imported_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    names = sorted(
        name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in modules(LIBRARY)
    )
    code = f"import importlib\nfor name in {names!r}: print(importlib.import_module(name).__file__)"
    shown = run(installed, tmp_path, code).splitlines()
    assert len(shown) == len(names)
    assert [path for path in shown if not Path(path).is_relative_to(installed)] == []


def test_installed_library_is_typed(installed: Path) -> None:
    assert (installed / LIBRARY / "py.typed").is_file()


EVENTS = "chat_close_group chat_join chat_send_to_group chat_negotiate"


def test_example_of_the_page_has_its_functions(installed: Path, tmp_path: Path) -> None:
    page = (ROOT / LIBRARY / "README.md").read_text(encoding="utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    show = "print(*(function.get_function_name() for function in app.get_functions()))"
    assert run(installed, tmp_path, f"{example}\n{show}") == EVENTS


def test_installed_library_does_not_find_the_project(installed: Path, tmp_path: Path) -> None:
    code = "import importlib.util as u; print(u.find_spec('blueprints'))"
    assert run(installed, tmp_path, code) == "None"
