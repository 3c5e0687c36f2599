"""Every command line of every page is run, or held by the strongest check that there is without Azure.

``HOLDERS`` says which test does that. A line that it does not know fails: add the test first, then the row.
"""

import ast
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import _MEASUREMENTS
from signalr_local.cli import _parser
from tests.docs.lines import Line, all_lines
from tests.docs.pages import ROOT

LINES = all_lines()
HERE = "tests/docs/test_commands.py"

HOLDERS = {
    # Families: the test takes every line of the kind, a new one too.
    r"make (?!run)[a-z-]+.*": f"{HERE}::test_make_knows_the_target_and_all_its_steps",
    r"([A-Z_]+=\S+ )?make run.*": f"{HERE}::test_make_run_starts_the_app",
    r"(\.venv/bin/)?pip .*": f"{HERE}::test_pip_finds_what_the_line_names",
    r"signalr-local doctor .*--azure .*": (
        "tests/signalr_local/doctor/test_documented_commands.py"
        "::test_deployed_app_is_examined_as_the_page_says"
    ),
    r"(signalr-local|(\.venv/bin/)?python -m signalr_local|\.venv/bin/signalr-local) doctor.*": (
        f"{HERE}::test_doctor_takes_the_line"
    ),
    r"signalr-local( [a-z]+)* --(help|version)": f"{HERE}::test_help_is_printed",
    r"signalr-local new( .*)?": f"{HERE}::test_new_makes_an_app",
    r"signalr-local emulator upstream \w+": f"{HERE}::test_rules_of_a_file_are_written_and_listed",
    r"(signalr-local|(\.venv/bin/)?python -m signalr_local|\.venv/bin/signalr-local)( (?!doctor|new).*)?": (
        f"{HERE}::test_runtime_starts"
    ),
    r"\.venv/bin/python -m pytest .*": f"{HERE}::test_pytest_finds_tests",
    r"python -m bench \w+": f"{HERE}::test_measurement_exists",
    r"(scripts|infra/scripts)/.*|TOKEN_LIFETIME=0 infra/scripts/.*|python infra/scripts/.*": (
        f"{HERE}::test_script_takes_the_line"
    ),
    r"npm (run|ci|pack|install).*": f"{HERE}::test_npm_has_the_script_and_the_packages",
    # The blocks of Azure on a page that is no script.
    r"azd (auth login|up)|az login": "tests/docs/test_azure_commands.py::test_blocks_of_the_page_run",
    r"(az|azd|func) .*": "tests/docs/test_azure_commands.py::test_command_in_a_text_is_one_that_exists",
    r"docker (build|run --publish) .*": "tests/docs/test_image.py::test_container_serves_and_is_healthy",
    r"docker run --rm .*aspire-dashboard.*": f"{HERE}::test_container_of_others_takes_the_options",
    # Single lines.
    r"git (clone|remote|fetch|merge) .*": f"{HERE}::test_clone_takes_over_what_is_new_here",
    r"git rm.*": "tests/docs/test_make_it_yours.py::test_rest_is_well_without_a_part",
    r"curl .*/admin/functions/tell_time": "tests/docs/test_readme.py::test_schedule_is_fired_by_hand",
    r"curl .*/admin/functions/(NAME|tick)": f"{HERE}::test_function_is_run_by_hand",
    r"curl -d .*/api/messages": "tests/docs/test_contract.py::test_request_of_the_shell_is_sent_to_everybody",
    r"curl .*/_test/upstream .*": (
        "tests/docs/test_testing.py::test_request_of_curl_is_one_that_the_emulator_takes"
    ),
    r"curl -N .*/_inspect/events.*": f"{HERE}::test_events_are_followed_with_curl",
    r"AzureSignalRConnectionString='Endpoint=…' python shout.py .*": (
        "tests/docs/test_guide_hubs.py::test_script_sends_without_a_hub_class"
    ),
    r"python serve.py": (
        "tests/docs/test_testing.py::test_environment_for_cypress_is_served_and_its_request_drops_the_client"
    ),
    r'python -c "import .*"': f"{HERE}::test_python_imports",
    r"python3?": f"{HERE}::test_python_imports",
    r"(mkdir|cd) (talk|my-chat)|python3\.13 -m venv \.venv": (
        f"{HERE}::test_tutorial_begins_in_an_empty_folder"
    ),
    r"\.venv/bin/pytest -o asyncio_mode=auto": "tests/docs/test_tutorial.py::test_tests_pass",
    r"cp local\.settings\.json\.example local\.settings\.json": (
        "tests/docs/test_operations.py::test_every_file_that_is_named_exists"
    ),
}
"""The test of each command line, by what the whole line matches."""

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what the environment says of the service."""
    monkeypatch.delenv("AzureSignalRConnectionString", raising=False)


def holder(line: Line) -> str | None:
    text = re.sub(r"\s+#.*", "", line.text).strip()
    return next((test for pattern, test in HOLDERS.items() if re.fullmatch(pattern, text, re.DOTALL)), None)


def held_by(test: str) -> list[Any]:
    return [pytest.param(line, id=str(line)) for line in LINES if holder(line) == f"{HERE}::{test}"]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.parametrize("line", LINES, ids=str)
def test_line_has_a_test(line: Line) -> None:
    assert holder(line) is not None, f"{line} is run by no test: add one, and a row to HOLDERS"


@pytest.mark.parametrize("test", sorted(set(HOLDERS.values())))
def test_test_is_there_and_has_lines(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in functions
    assert any(holder(line) == test for line in LINES)


@pytest.fixture(scope="module")
def clone(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone, in which commands may leave files, beside one that is named my-chat."""
    folder = tmp_path_factory.mktemp("commands") / "clone"
    shutil.copytree(project, folder)
    (folder / "my-chat").symlink_to(project)
    (folder.parent / "my-chat").symlink_to(project)
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "Clone"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def run(folder: Path, *command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def filled(words: list[str]) -> list[str]:
    """Put something real in the place of what a page leaves open."""
    open_ends = {
        r"\bDIR\b": "examples/class_based",
        r"examples/NAME": "examples/class_based",
        r"path/to/the/folder|path/to/app": "examples/class_based",
        r"\bNAME\b": "name",
    }
    for pattern, real in open_ends.items():
        words = [re.sub(pattern, real, word) for word in words]
    return words


def make_words(line: Line, *ports: str) -> list[str]:
    """Return the line with the packages that are installed here, without their set-up."""
    steps = ("test-packages", "local-packages", "bench-peers", "azurite", "venv", "page", "edited-page")
    skipped = [word for step in steps for word in ("-o", step)]
    words = filled([word for word in line.words if word != "make" and not word.startswith("UPSTREAM_ROUTE=")])
    given = [word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")]
    words = [word for word in words if not word.startswith("ARGS=")]
    if given == ["--debug"]:
        given = [f"--debug {free_port()}"]
    arguments = [f"ARGS={' '.join([*given, *ports])}"] if given or ports else []
    return ["make", f"PYTHON={sys.executable}", *skipped, *words, *arguments]


@pytest.mark.parametrize("line", held_by("test_make_knows_the_target_and_all_its_steps"))
def test_make_knows_the_target_and_all_its_steps(clone: Path, line: Line) -> None:
    command = make_words(line)
    steps = run(clone, command[0], "--dry-run", "--warn-undefined-variables", *command[1:])
    assert "warning: undefined variable 'A" not in steps.replace("variable 'ARGS'", "").replace(
        "variable 'APP'", ""
    )
    assert steps.strip()


@pytest.mark.parametrize("line", held_by("test_make_run_starts_the_app"))
def test_make_run_starts_the_app(clone: Path, line: Line) -> None:
    # A port that the line names may be in use here.
    line = Line(line.page, re.sub(r"--port \d+", "", line.text))
    variables = dict(word.split("=", 1) for word in line.words if word.startswith("UPSTREAM_ROUTE="))
    process = subprocess.Popen(
        make_words(line, "--port 0", "--emulator-port 0"),
        cwd=clone,
        env=os.environ | variables | {"PYTHONPATH": str(clone), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    printed = []
    for text in process.stdout:
        printed.append(text)
        if "Ctrl+C stops" in text:
            break
    os.killpg(process.pid, signal.SIGTERM)
    rest = process.stdout.read()
    process.wait(PATIENCE)
    process.stdout.close()
    assert "Stopped." in rest, "".join(printed) + rest
    assert "is in error" not in "".join(printed)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an empty environment."""
    folder = tmp_path_factory.mktemp("python")
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packages as they would be published."""
    folder = tmp_path_factory.mktemp("published")
    run(folder, sys.executable, "-m", "signalr_local", "new", "app", "--name", "app", "--hub", "chat")
    return folder / "app" / "wheels"


@pytest.mark.parametrize("line", held_by("test_pip_finds_what_the_line_names"))
def test_pip_finds_what_the_line_names(
    clone: Path, python: Path, wheels: Path, tmp_path: Path, line: Line
) -> None:
    words = [word.replace("/path/to/this/repository", str(clone)) for word in line.words[1:]]
    folder = clone
    if words[:1] == ["wheel"]:
        run(folder, python, "-m", "pip", "--quiet", *words)
        assert list(clone.rglob("serverless_signalr-*.whl"))
        return
    # What an extra brings is looked up too; of the rest, that it is there.
    depth = [] if "[" in line.text else ["--no-deps"]
    report = tmp_path / "report.json"
    look = ["--dry-run", "--ignore-installed", *depth, "--find-links", str(wheels), "--report", str(report)]
    run(folder, python, "-m", "pip", "--quiet", *words, *look)
    found = {one["metadata"]["name"] for one in json.loads(report.read_text(encoding="utf-8"))["install"]}
    if "serverless-signalr" in line.text or "my-chat" in line.text:
        assert "serverless-signalr" in found
    assert ("serverless-signalr-local" in found) is ("local" in line.text.replace("local.settings", ""))
    assert found


@pytest.mark.parametrize("line", held_by("test_doctor_takes_the_line"))
def test_doctor_takes_the_line(clone: Path, line: Line) -> None:
    words = filled(line.words)
    words = words[words.index("doctor") :]
    words = words[: words.index(">")] if ">" in words else words
    _parser().parse_args([word for word in words if word != "--help"])
    # Nothing listens here: the doctor says that, and takes the arguments.
    done = subprocess.run(
        [sys.executable, "-m", "signalr_local", *words],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": str(clone / "nothing")},
    )
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout


@pytest.mark.parametrize("line", held_by("test_help_is_printed"))
def test_help_is_printed(clone: Path, line: Line) -> None:
    assert run(clone, sys.executable, "-m", "signalr_local", *line.words[1:]).strip()


@pytest.mark.parametrize("line", held_by("test_new_makes_an_app"))
def test_new_makes_an_app(tmp_path: Path, line: Line) -> None:
    arguments = line.words[1:] if line.words[2:] else ["new", "my-chat"]
    empty = tmp_path / "my-app"
    empty.mkdir()
    assert "Made the app" in run(empty, sys.executable, "-m", "signalr_local", *arguments)


@pytest.mark.parametrize("line", held_by("test_rules_of_a_file_are_written_and_listed"))
def test_rules_of_a_file_are_written_and_listed(tmp_path: Path, line: Line) -> None:
    if "init" not in line.text:
        run(tmp_path, sys.executable, "-m", "signalr_local", "emulator", "upstream", "init")
    assert run(tmp_path, sys.executable, "-m", "signalr_local", *line.words[1:]).strip()


@pytest.mark.parametrize("line", held_by("test_runtime_starts"))
def test_runtime_starts(clone: Path, launch: Any, line: Line) -> None:
    words = (
        line.words[line.words.index("signalr_local") + 1 :]
        if "signalr_local" in line.words
        else (line.words[1:])
    )
    words = filled([word.replace("my-chat", "examples/class_based") for word in words])
    text = re.sub(r"--port \d+|--host-name name|--address \S+", "", shlex.join(words))
    text = re.sub(r"--debug$", f"--debug {free_port()}", text)
    alone = {"emulator": ["--emulator-port=0"], "host": ["--port=0"]}
    ports = alone.get(next(iter(words), ""), ["--port=0", "--emulator-port=0"])
    runtime = launch(*shlex.split(text), *ports, folder=clone, environment={"PYTHONPATH": str(clone)})
    runtime.wait_for(r"Ctrl\+C stops|SignalR Service emulator|LanguageWorkerInitialized|\"name\"")
    assert runtime.stop() == 0, runtime.text


@pytest.mark.parametrize("line", held_by("test_pytest_finds_tests"))
def test_pytest_finds_tests(clone: Path, line: Line) -> None:
    words = [word for word in line.words[1:] if word != "--pdb"]
    printed = run(clone, sys.executable, *words, "--collect-only", "-q", "-p", "no:cacheprovider")
    assert re.search(r"\d+ tests? collected", printed)


@pytest.mark.parametrize("line", held_by("test_measurement_exists"))
def test_measurement_exists(line: Line) -> None:
    assert line.words[-1] in _MEASUREMENTS


@pytest.mark.parametrize("line", held_by("test_script_takes_the_line"))
def test_script_takes_the_line(line: Line) -> None:
    [script] = [word for word in line.words if "scripts/" in word]
    options = [word for word in line.words if word.startswith("--")]
    path = ROOT / script
    assert path.is_file()
    assert os.access(path, os.X_OK) or line.program == "python"
    source = path.read_text(encoding="utf-8")
    if script == "scripts/package":
        source = (ROOT / "infra" / "scripts" / "package.py").read_text(encoding="utf-8")
    assert [option for option in options if option not in source] == []
    assert "TOKEN_LIFETIME" not in line.text or "TOKEN_LIFETIME" in source


@pytest.mark.parametrize("line", held_by("test_npm_has_the_script_and_the_packages"))
def test_npm_has_the_script_and_the_packages(clone: Path, line: Line) -> None:
    package = json.loads((clone / "web" / "package.json").read_text(encoding="utf-8"))
    match line.words[1:]:
        case ["run", script]:
            assert script in package["scripts"]
        case ["ci"]:
            assert "lockfileVersion" in (clone / "web" / "package-lock.json").read_text(encoding="utf-8")
        case ["pack"]:
            answers = json.loads((clone / "web" / "answers" / "package.json").read_text(encoding="utf-8"))
            assert answers["name"]
        case ["install", folder]:
            # It is what npm run package makes; tests/web/test_answers_package.py installs it.
            assert folder.endswith("web/build/answers")
        case other:
            raise AssertionError(f"npm {other} is not run here")


@pytest.mark.parametrize("line", held_by("test_container_of_others_takes_the_options"))
def test_container_of_others_takes_the_options(line: Line) -> None:
    from tests.docs.stand_ins import parse, words_of

    call = parse(*words_of(line.text))
    # What asks for no login is published to this machine alone.
    ports = [port.split(":") for port in call.options["--publish"]]
    page = (ROOT / line.page).read_text(encoding="utf-8")
    assert all(f"http://localhost:{outside}" in page for _, outside, _ in ports)
    assert {address for address, _, _ in ports} == {"127.0.0.1"}


def test_clone_takes_over_what_is_new_here(clone: Path, tmp_path: Path) -> None:
    lines = [line for line in LINES if holder(line) == f"{HERE}::test_clone_takes_over_what_is_new_here"]
    [first, *rest] = sorted(lines, key=lambda line: "clone" not in line.text)
    assert first.text.startswith("git clone")
    words = [word.replace("ADDRESS-OF-THIS-REPOSITORY", str(clone)) for word in first.words]
    run(tmp_path, *words)
    assert (tmp_path / "my-chat" / "Makefile").is_file()
    (clone / "NEWS").write_text("news")
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    run(clone, "git", "add", "NEWS")
    run(clone, "git", *identity, "commit", "-q", "-m", "News")
    for line in rest:
        words = [word.replace("ADDRESS-OF-THIS-REPOSITORY", str(clone)) for word in line.words]
        run(tmp_path / "my-chat", *words)
    assert (tmp_path / "my-chat" / "NEWS").is_file()


TIMED = """
import azure.functions as func

app = func.FunctionApp()


@app.route("index")
def index(req: func.HttpRequest) -> str:
    return "The page."


@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
def NAME(timer: func.TimerRequest) -> None:
    print("It ran.")
"""


@pytest.mark.parametrize("line", held_by("test_function_is_run_by_hand"))
def test_function_is_run_by_hand(tmp_path: Path, launch: Any, line: Line) -> None:
    name = line.words[-1].rpartition("/")[2]
    (tmp_path / "function_app.py").write_text(TIMED.replace("NAME", name))
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    runtime = launch("--app", str(tmp_path), "--port", "0", "--emulator-port", "0")
    address = runtime.wait_for(r"Open (http://\S+)/api/index")[1]
    run(tmp_path, *[word.replace("http://localhost:7071", address) for word in line.words], "--fail", "-sS")
    runtime.wait_for("It ran.")
    assert runtime.stop() == 0


@pytest.mark.parametrize("line", held_by("test_events_are_followed_with_curl"))
def test_events_are_followed_with_curl(app_folder: Path, launch: Any, line: Line) -> None:
    runtime = launch("--app", str(app_folder), "--port", "0", "--emulator-port", "0")
    address, token = runtime.wait_for(r"Inspector: (http://\S+)/_inspect\?token=(\S+)").groups()
    page = runtime.wait_for(r"Open (http://\S+)/index")[1]
    words = [word.replace("$TOKEN", token).replace("http://localhost:8888", address) for word in line.words]
    follower = subprocess.Popen([*words, "-sS", "--fail"], stdout=subprocess.PIPE, text=True)
    assert follower.stdout is not None
    send = ["curl", "-sS", "--fail", "-d", '{"text": "hello"}', f"{page}/messages"]
    subprocess.run(send, check=True, capture_output=True)
    event = json.loads(follower.stdout.readline())
    follower.terminate()
    follower.communicate()
    assert event["kind"] == "service_request"
    assert runtime.stop() == 0


@pytest.mark.parametrize("line", held_by("test_python_imports"))
def test_python_imports(clone: Path, line: Line) -> None:
    code = line.words[1:] or ["-c", "pass"]
    run(clone, sys.executable, *code, PYTHONPATH=str(clone))


def test_tutorial_begins_in_an_empty_folder(tmp_path: Path) -> None:
    lines = [line.text for line in LINES if line.page == "docs/tutorial.md"]
    begin = lines.index("mkdir talk")
    script = "\n".join(lines[begin : begin + 3]).replace("python3.13", shlex.quote(sys.executable))
    run(tmp_path, "sh", "-euc", script)
    assert (tmp_path / "talk" / ".venv" / "pyvenv.cfg").is_file()
