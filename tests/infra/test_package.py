"""What is deployed: only what runs in Azure, for the Python there, the same bytes each time, and it runs."""

import hashlib
import json
import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[2]
PACKAGES = ".python_packages/lib/site-packages/"
EMULATOR = (
    "Endpoint=http://localhost;Port=8888;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;"
)


def package(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(project / "infra" / "scripts" / "package.py"), *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def names(built: tuple[Path, str]) -> list[str]:
    """Return the names in the zip."""
    with zipfile.ZipFile(built[0]) as archive:
        return archive.namelist()


def test_only_what_runs_in_azure_is_in_it(names: list[str]) -> None:
    top = {name.split("/")[0] for name in names}
    assert top == {
        *(".python_packages", "blueprints", "serverless_signalr", "web"),
        *("function_app.py", "host.json", "requirements.txt"),
    }
    assert [name for name in names if name.startswith("web/")] == ["web/dist/index.html"]
    assert "serverless_signalr/py.typed" in names


def test_nothing_compiled_by_this_python_is_in_it(names: list[str]) -> None:
    assert [name for name in names if name.endswith((".pyc", "/"))] == []


def test_it_holds_what_funcignore_leaves(project: Path, names: list[str]) -> None:
    ignored = GitIgnoreSpec.from_lines((project / ".funcignore").read_text().splitlines())
    files = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    left = {name for name in files if not ignored.match_file(name)}
    assert {name for name in names if not name.startswith(PACKAGES)} == left


def test_funcignore_leaves_the_packages_to_tools_that_read_it_again(project: Path, names: list[str]) -> None:
    ignored = GitIgnoreSpec.from_lines((project / ".funcignore").read_text().splitlines())
    lost = [name for name in names if ignored.match_file(name) and ".dist-info/" not in name]
    assert [name for name in lost if not name.endswith(".md")] == []


def test_the_packages_are_those_of_the_lock(project: Path, names: list[str]) -> None:
    locked = re.findall(
        r"^([\w.-]+)==(\S+) ", (project / "infra" / "requirements.lock").read_text(), re.MULTILINE
    )
    installed = {
        tuple(name.removeprefix(PACKAGES).split(".dist-info")[0].split("-", 1))
        for name in names
        if name.endswith(".dist-info/METADATA")
    }

    def normal(package: str) -> str:
        return re.sub(r"[-_.]+", "-", package).lower()

    assert {(normal(name), version) for name, version in installed} == {
        (normal(name), version) for name, version in locked
    }


def test_binaries_are_for_linux_and_the_python_in_azure(names: list[str]) -> None:
    binaries = [name for name in names if re.search(r"\.(so|pyd|dylib|dll)(\.|$)", name)]
    tagged = re.compile(r"\.(cpython-313-x86_64-linux-gnu|abi3|cpython-313-x86_64-linux-musl)\.so$")
    assert binaries
    assert [name for name in binaries if not tagged.search(name) and ".libs/" not in name] == []


def test_names_are_in_order_and_times_are_fixed(built: tuple[Path, str], names: list[str]) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
    assert names == sorted(names)


def test_the_same_inputs_give_the_same_bytes(project: Path, built: tuple[Path, str]) -> None:
    first = built[0].read_bytes()
    os.utime(project / "function_app.py", (0, 0))
    assert package(project).returncode == 0
    assert built[0].read_bytes() == first


def test_size_and_digest_are_printed(built: tuple[Path, str]) -> None:
    content = built[0].read_bytes()
    assert built[1].startswith(f"build/app.zip: {len(content) / 1e6:.1f} MB, ")
    assert hashlib.sha256(content).hexdigest() in built[1]


def test_the_folder_holds_the_same(built: tuple[Path, str], names: list[str]) -> None:
    folder = built[0].with_name("app")
    assert (
        sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == names
    )


def test_what_is_left_over_from_an_earlier_build_is_removed(project: Path, built: tuple[Path, str]) -> None:
    left = project / "build" / "app" / "old.py"
    left.write_text("")
    assert package(project).returncode == 0
    assert not left.exists()


def test_the_app_runs_from_it(
    built: tuple[Path, str], tmp_path: Path, launch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "app"
    with zipfile.ZipFile(built[0]) as archive:
        archive.extractall(folder)
    if (sys.platform, platform.machine(), sys.version_info[:2]) != ("linux", "x86_64", (3, 13)):
        # The packages are for another machine than this; the app runs with those of .venv.
        shutil.rmtree(folder / ".python_packages")
    with (folder / "function_app.py").open("a") as module:
        module.write(
            "import msgspec, serverless_signalr as it\nprint('from', it.__file__, msgspec.__file__)\n"
        )
    # Settings as in Azure: from the environment, there is no local.settings.json.
    monkeypatch.setenv("AzureSignalRConnectionString", EMULATOR)
    runtime = launch("--app", str(folder), "--port", "0", "--emulator-port", "0")
    found = runtime.wait_for(r"from (\S+) (\S+)")
    runtime.wait_for(r"Open http://\S+/index")
    assert found[1] == str(folder / "serverless_signalr" / "__init__.py")
    assert found[2].startswith(str(folder)) == (folder / ".python_packages").exists()
    assert "negotiate: [POST]" in runtime.text
    assert "signalRTrigger" in runtime.text
    assert runtime.stop() == 0, runtime.text
    assert "Traceback" not in runtime.text


# another app of the repository


@pytest.fixture(scope="module")
def example(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package of examples/answers and unpack it."""
    folder = tmp_path_factory.mktemp("example") / "project"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("build"))
    (folder / "examples" / "answers" / "local.settings.json").write_text("{}")
    (folder / "web" / "dist" / "answers.html").write_bytes((ROOT / "web/dist/answers.html").read_bytes())
    done = package(folder, "--app", "examples/answers")
    assert done.returncode == 0, done.stderr
    unpacked = folder.with_name("app")
    with zipfile.ZipFile(folder / "build" / "app.zip") as archive:
        archive.extractall(unpacked)
    return unpacked


def test_package_of_an_example_holds_it_and_the_library_and_the_pages(example: Path) -> None:
    top = {path.name for path in example.iterdir()}
    assert top == {
        *(".python_packages", "serverless_signalr", "web"),
        *("assistant.py", "function_app.py", "host.json", "model.py", "requirements.txt"),
    }
    assert {path.name for path in (example / "web" / "dist").iterdir()} == {"answers.html", "index.html"}


def test_package_of_an_example_holds_the_packages_of_its_own(example: Path) -> None:
    installed = {path.name for path in (example / PACKAGES).iterdir()}
    assert {"openai", "azure", "aiohttp"} <= installed


def test_example_answers_from_its_package(
    example: Path, launch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if (sys.platform, platform.machine(), sys.version_info[:2]) != ("linux", "x86_64", (3, 13)):
        shutil.rmtree(example / ".python_packages")
    shutil.copy(ROOT / "examples/answers/local.settings.json.example", example / "local.settings.json")
    monkeypatch.setenv("BUILT_IN_PAUSE", "0")
    runtime = launch("--app", str(example), "--port", "0", "--emulator-port", "0")
    api = runtime.wait_for(r"(http://\S+)/questions")[1]
    runtime.wait_for(r"Ctrl\+C stops")
    with urllib.request.urlopen(f"{api}/index") as response:
        assert b"<title>" in response.read()
    question = json.dumps({"id": "one", "question": "Tea?"}).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{api}/questions?user=ann", question, {"Content-Type": "application/json"})
    ) as response:
        assert response.status == 204
    with urllib.request.urlopen(f"{api}/answers/one?user=ann") as response:
        assert json.load(response)["pieces"][-1]["kind"] == "done"
    assert runtime.stop() == 0, runtime.text


def test_folder_that_is_no_app_is_refused(project: Path) -> None:
    for folder in ("docs", "..", "/"):
        done = package(project, "--app", folder)
        assert (done.returncode, "is not the folder of an app of this repository" in done.stderr) == (1, True)


def test_requirements_of_an_example_ask_for_a_lock_of_its_own(copy: Path) -> None:
    with (copy / "examples" / "answers" / "requirements.txt").open("a") as requirements:
        requirements.write("attrs\n")
    done = package(copy, "--app", "examples/answers")
    assert done.returncode == 1
    assert "Run: scripts/package --app examples/answers --lock" in done.stderr


# what stops it


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    """Return a copy of the project to break."""
    folder = tmp_path / "project"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("build"))
    return folder


def test_a_missing_page_is_named_with_the_command_that_builds_it(copy: Path) -> None:
    (copy / "web" / "dist" / "index.html").unlink()
    done = package(copy)
    assert done.returncode == 1
    assert "web/dist/index.html is missing.\nRun: make page" in done.stderr
    assert not (copy / "build").exists()


def test_app_without_a_page_is_packaged_without_one(copy: Path) -> None:
    shutil.rmtree(copy / "web")
    assert package(copy).returncode == 0
    with zipfile.ZipFile(copy / "build" / "app.zip") as archive:
        assert not [name for name in archive.namelist() if name.startswith("web/")]


def test_changed_requirements_ask_for_a_new_lock(copy: Path) -> None:
    with (copy / "requirements.txt").open("a") as requirements:
        requirements.write("attrs\n")
    done = package(copy)
    assert done.returncode == 1
    assert "Run: scripts/package --lock" in done.stderr


def test_changed_comments_do_not(copy: Path) -> None:
    with (copy / "requirements.txt").open("a") as requirements:
        requirements.write("# attrs\n")
    assert package(copy).returncode == 0


def test_packages_out_of_reach_are_named(copy: Path) -> None:
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0"}
    done = package(copy, **nowhere, PIP_NO_CACHE_DIR="1", PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="")
    assert done.returncode == 1
    assert "The package was not built" in done.stderr
    assert not (copy / "build").exists()


def test_a_package_that_is_not_the_one_of_the_lock_is_refused(copy: Path) -> None:
    lock = copy / "infra" / "requirements.lock"
    lock.write_text(re.sub(r"sha256:\w+$", f"sha256:{'0' * 64}", lock.read_text(), flags=re.MULTILINE))
    done = package(copy)
    assert done.returncode == 1
    assert "The package was not built" in done.stderr


# what lies about in a working copy


def app_files(project: Path, *written: str) -> set[str]:
    """Return the files of the app after these were written, too."""
    for name in written:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    package = runpy.run_path(str(project / "infra" / "scripts" / "package.py"))
    return {name for name, _ in package["app_files"](package["App"].at("."))}


@pytest.mark.parametrize("name", ["rooms.py", "services/rooms.py", "services/templates/mail.html"])
def test_what_is_added_to_the_app_is_deployed_without_being_listed(copy: Path, name: str) -> None:
    assert name in app_files(copy, name)


@pytest.mark.parametrize(
    "name",
    [
        *("venv/bin/activate", "env/lib/site.py", ".venv/lib/site.py", "my_env/lib/site.py"),
        *(
            "id_rsa",
            "deploy/id_ed25519",
            "cert.pem",
            "certs/server.pem",
            "certs/server.key",
            "client.pfx",
        ),
        *("dump.sql", "chat.sqlite3", "notes.txt", "backup.tar.gz", "app.log", "old.zip"),
        *(".env", "services/.env.local", "local.settings.json", ".azure/chat/.env"),
        *("htmlcov/index.html", ".coverage", "coverage.xml", ".mypy_cache/x.json", "services/.DS_Store"),
        *("Dockerfile", "compose.yaml", "tox.ini", "services/README.md"),
        *("services/__pycache__/rooms.cpython-313.pyc", "node_modules/left-pad/index.js"),
    ],
)
def test_what_does_not_run_in_azure_stays_here_whatever_git_ignores(copy: Path, name: str) -> None:
    (copy / ".gitignore").unlink()
    assert name not in app_files(copy, name)


def test_a_file_in_the_root_is_deployed_once_it_is_named(copy: Path) -> None:
    with (copy / ".funcignore").open("a") as ignored:
        ignored.write("!/rooms.json\n")
    assert "rooms.json" in app_files(copy, "rooms.json")


def test_what_git_ignores_stays_here(copy: Path) -> None:
    with (copy / ".gitignore").open("a") as ignored:
        ignored.write("/experiments/\n")
    assert "experiments/one.py" not in app_files(copy, "experiments/one.py")


def test_an_environment_of_any_name_that_ignores_itself_stays_here(copy: Path) -> None:
    (copy / "sandbox").mkdir()
    (copy / "sandbox" / ".gitignore").write_text("*\n")
    assert "sandbox/lib/site.py" not in app_files(copy, "sandbox/lib/site.py")


def test_it_does_not_matter_from_where_it_is_called(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = app_files(copy)
    monkeypatch.chdir(copy / "web")
    assert app_files(copy) == everything


def test_a_repository_in_the_app_is_refused(copy: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(copy / "vendor")], check=True)
    done = package(copy)
    assert done.returncode == 1
    assert (
        "vendor/ is a git repository of its own. Remove vendor/.git, or name it in .funcignore."
        in done.stderr
    )


# symbolic links


def link(project: Path, name: str, target: str | Path) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target, target_is_directory=True)


def test_link_to_a_file_is_deployed_as_the_file(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "rooms.py").write_text("ROOMS = 3\n")
    link(copy, "rooms.py", tmp_path / "rooms.py")
    assert package(copy).returncode == 0
    with zipfile.ZipFile(copy / "build" / "app.zip") as archive:
        assert archive.read("rooms.py") == b"ROOMS = 3\n"


def test_link_to_a_folder_of_the_app_is_deployed_as_the_folder(copy: Path) -> None:
    link(copy, "parts/rooms", "../services")
    link(copy, "services/more", "../others")
    found = app_files(copy, "services/one.py", "services/inner/two.py", "others/three.py")
    assert found >= {
        *("services/one.py", "services/inner/two.py", "services/more/three.py", "others/three.py"),
        *("parts/rooms/one.py", "parts/rooms/inner/two.py", "parts/rooms/more/three.py"),
    }


def test_what_is_ignored_stays_here_whatever_leads_to_it(copy: Path) -> None:
    link(copy, "rooms", "services")
    found = app_files(copy, "services/one.py", "services/server.key", "services/local.settings.json")
    assert {name for name in found if name.startswith("rooms/")} == {"rooms/one.py"}


@pytest.mark.parametrize("name", ["venv", ".venv", "env", "my_env", "node_modules", "web/node_modules"])
def test_link_to_an_environment_elsewhere_stays_here(copy: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (copy / ".gitignore").unlink()
    before = app_files(copy)
    link(copy, name, tmp_path / "elsewhere")
    assert app_files(copy) == before


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("../elsewhere", "shared is a link to {outside}, which is outside of the app: "),
        ("nowhere", "shared is a link to nothing: "),
        ("shared", "shared is a link to nothing: "),
        (".", "shared is a link that leads back to itself: "),
        ("tests", "shared is a link to tests/, of which nothing is deployed: "),
    ],
)
def test_link_that_cannot_be_deployed_is_refused_in_one_sentence(
    copy: Path, target: str, complaint: str
) -> None:
    outside = copy.parent / "elsewhere"
    outside.mkdir()
    (copy / "tests").mkdir(exist_ok=True)
    link(copy, "shared", target)
    done = package(copy)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(complaint.format(outside=outside.resolve()))
    assert len(done.stderr.splitlines()) == 1
    with (copy / ".funcignore").open("a") as ignored:
        ignored.write("shared\n")
    assert "function_app.py" in app_files(copy)


def test_links_that_lead_to_one_another_are_refused(copy: Path) -> None:
    (copy / "ann").mkdir()
    (copy / "bob").mkdir()
    link(copy, "ann/other", "../bob")
    link(copy, "bob/other", "../ann")
    done = package(copy)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "is a link that leads back to itself" in done.stderr
