"""``python -m signalr_local``, as a user starts and stops it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest

from signalr_local.emulator import DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY


class Launch(Protocol):
    def __call__(self, *arguments: str) -> Any: ...


FREE = ("--port", "0", "--emulator-port", "0")

BROKEN = """import azure.functions

raise RuntimeError("my own mistake")
"""

APP = """
import os
import azure.functions as func
app = func.FunctionApp()

@app.route(route="pid", methods=["GET"])
def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())

print("worker", os.getpid())
"""

TIMER = """
import azure.functions as func
app = func.FunctionApp()

@app.timer_trigger(arg_name="timer", schedule="0 0 0 29 2 *")
def leap_day(timer: func.TimerRequest) -> None:
    print("it was fired")
"""


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Return a port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def small_app(tmp_path: Path) -> Path:
    """Return the folder of an app that prints its worker's process id while it is imported."""
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "local.settings.json").write_text('{"IsEncrypted": false, "Values": {}}')
    return tmp_path


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_prints_functions_connection_string_and_page(launch: Launch, app_folder: Path) -> None:
    runtime = launch("--app", str(app_folder), *FREE)
    runtime.wait_for("Ctrl\\+C stops")
    runtime.stop()
    printed = re.sub(r"localhost:\d+|Port=\d+", "PORT", runtime.text)
    assert "\tnegotiate: [POST] http://PORT/api/negotiate\n" in printed
    assert "\tsend_group_message: [POST] http://PORT/api/groups/{groupName}/messages\n" in printed
    assert "\tbroadcast: signalRTrigger\n" in printed
    assert "Connection string: Endpoint=http://localhost;PORT;AccessKey=" in printed
    assert "\nFunctions host: http://PORT\n" in printed
    assert "Open http://PORT/api/index\n" in printed


def test_functions_without_an_address_are_called_at_that_of_the_host(launch: Launch, small_app: Path) -> None:
    (small_app / "function_app.py").write_text(TIMER)
    runtime = launch("--app", str(small_app), *FREE)
    host = runtime.wait_for(r"Functions host: (http://\S+)")[1]
    by_hand = urllib.request.Request(
        f"{host}/admin/functions/leap_day", b"{}", {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(by_hand) as response:
        assert response.status == 202
    runtime.wait_for("it was fired")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Mine", "Endpoint=https://chat.service.signalr.net;AccessKey=secret;Version=1.0;"),
        ("Mine__serviceUri", "https://chat.service.signalr.net"),
    ],
)
def test_a_service_in_azure_is_told_to_whoever_starts_the_emulator(
    launch: Launch, small_app: Path, name: str, value: str
) -> None:
    content = {"IsEncrypted": False, "Values": {name: value}}
    (small_app / "local.settings.json").write_text(json.dumps(content))
    runtime = launch("--app", str(small_app), *FREE)
    runtime.wait_for("Ctrl\\+C stops")
    assert runtime.stop() == 0
    assert f"{name} names the service at https://chat.service.signalr.net. Messages go there" in runtime.text
    assert "secret" not in runtime.text


def emulator_at(port: int) -> str:
    return f"Endpoint=http://localhost:{port};AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;"


@pytest.mark.parametrize(
    ("settings", "is_pointed"),
    [
        ({"One": emulator_at(8888)}, True),
        ({"One": emulator_at(8888), "Two": emulator_at(8888)}, True),
        ({"One": emulator_at(8888), "Two": emulator_at(8888).replace("localhost", "127.0.0.1")}, True),
        ({"One": emulator_at(8888), "Two": emulator_at(8889)}, False),
        ({"One": emulator_at(8888).replace(DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY)}, True),
        ({"One": emulator_at(8888).replace(DEFAULT_ACCESS_KEY, "k" * 44)}, False),
    ],
    ids=["one", "one-twice", "one-by-two-names", "several", "second-key", "another-key"],
)
def test_settings_lead_to_the_emulator_that_runs_unless_they_name_several(
    launch: Launch, small_app: Path, settings: dict[str, str], is_pointed: bool
) -> None:
    content = {"IsEncrypted": False, "Values": settings}
    (small_app / "local.settings.json").write_text(json.dumps(content))
    runtime = launch("--app", str(small_app), *FREE)
    runtime.wait_for("Ctrl\\+C stops")
    assert runtime.stop() == 0
    pointed = set(re.findall(r"(\w+): the emulator runs on port", runtime.text))
    assert pointed == (set(settings) if is_pointed else set())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "SIGTERM"])
def test_a_signal_ends_runtime_and_worker_with_exit_code_0(
    launch: Launch, small_app: Path, number: int
) -> None:
    runtime = launch("--app", str(small_app), *FREE)
    worker = int(runtime.wait_for(r"worker (\d+)")[1])
    runtime.wait_for("Ctrl\\+C stops")
    code = runtime.stop(number)
    assert code == 0, runtime.text
    assert not is_alive(worker)
    assert "Traceback" not in runtime.text


@pytest.mark.parametrize("option", ["--port", "--emulator-port"])
def test_a_port_in_use_is_named_with_the_option_that_changes_it(
    launch: Launch, small_app: Path, taken_port: int, option: str
) -> None:
    others = [part for name in ("--port", "--emulator-port") if name != option for part in (name, "0")]
    runtime = launch("--app", str(small_app), option, str(taken_port), *others)
    assert runtime.wait() == 1
    assert f"Port {taken_port} is unavailable." in runtime.text
    assert f"using {option}." in runtime.text
    assert "Traceback" not in runtime.text


def test_a_folder_without_an_app_is_named(launch: Launch, tmp_path: Path) -> None:
    runtime = launch("--app", str(tmp_path), *FREE)
    assert runtime.wait() == 1
    assert f"There is no function_app.py in {tmp_path}." in runtime.text


def test_an_app_that_fails_to_import_shows_its_own_traceback(launch: Launch, small_app: Path) -> None:
    (small_app / "function_app.py").write_text(BROKEN)
    runtime = launch("--app", str(small_app), *FREE)
    assert runtime.wait() == 1
    assert "RuntimeError: my own mistake" in runtime.text
    assert 'function_app.py", line 3' in runtime.text
    assert runtime.text.count("Traceback") == 1


def test_an_emulator_on_another_port_is_put_into_the_settings(launch: Launch, app_folder: Path) -> None:
    runtime = launch("--app", str(app_folder), *FREE)
    assert runtime.wait_for(r"AzureSignalRConnectionString: the emulator runs on port \d+ here")


def test_settings_that_are_no_json_are_named(launch: Launch, small_app: Path) -> None:
    (small_app / "local.settings.json").write_text("{")
    runtime = launch("--app", str(small_app), *FREE)
    assert runtime.wait() == 1
    assert "local.settings.json is not valid JSON" in runtime.text


def test_a_host_name_that_is_none_is_refused_without_a_traceback(launch: Launch) -> None:
    emulator = launch("emulator", "--emulator-port", "0", "--host-name", "http://emulator")
    assert emulator.wait() == 1
    assert "the host 'http://emulator' is not valid" in emulator.text
    assert "Traceback" not in emulator.text


LINGERING = """
import os
import subprocess
import threading
import time
import azure.functions as func
app = func.FunctionApp()

@app.route(route="linger")
def linger(req: func.HttpRequest) -> str:
    print("child", subprocess.Popen(["sleep", "600"]).pid)
    threading.Event().wait()

print("worker", os.getpid())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "SIGTERM"])
def test_a_signal_ends_what_functions_run_and_started(launch: Launch, small_app: Path, number: int) -> None:
    (small_app / "function_app.py").write_text(LINGERING)
    runtime = launch("--app", str(small_app), *FREE)
    worker = int(runtime.wait_for(r"worker (\d+)")[1])
    url = runtime.wait_for(r"(http://\S+)/api/linger")[1]
    runtime.wait_for("Ctrl\\+C stops")
    asking = threading.Thread(target=ask, args=(f"{url}/api/linger",))
    asking.start()
    child = int(runtime.wait_for(r"child (\d+)")[1])
    assert runtime.stop(number) == 0
    asking.join()
    assert not is_alive(worker)
    assert not is_running(child)
    assert re.search(r"Executed 'Functions.linger' \(Failed", runtime.text)
    assert "Stopped." in runtime.text


def ask(url: str) -> None:
    with suppress(OSError), urllib.request.urlopen(url) as response:
        response.read()


def is_running(pid: int) -> bool:
    """Tell whether a process runs: one that has ended may still be listed where nobody asks for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_signal_ends_a_start_that_hangs(launch: Launch, small_app: Path) -> None:
    (small_app / "function_app.py").write_text(
        "import os, time\nprint('worker', os.getpid())\ntime.sleep(600)\n"
    )
    runtime = launch("--app", str(small_app), *FREE)
    worker = int(runtime.wait_for(r"worker (\d+)")[1])
    runtime.stop()
    assert not is_alive(worker)
    assert "Traceback" not in runtime.text


def test_it_ends_when_nobody_reads_what_it_says(small_app: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m signalr_local --app {small_app} {' '.join(FREE)} | head -1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("streams", "said"),
    [
        (">/dev/full", "Standard output"),
        (">/dev/full 2>/dev/full", ""),
        (">&-", ""),
        ("<&- >&- 2>&-", ""),
        ("--output json >/dev/full", "Standard output"),
        ("--json-output-file /dev/full >&-", "/dev/full"),
    ],
    ids=["full", "all-full", "no-stdout", "no-streams", "json-full", "file-full"],
)
def test_it_serves_though_it_cannot_say_so(small_app: Path, streams: str, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = f"--app {small_app} --port {port} --emulator-port 0"
    command = f"exec {sys.executable} -m signalr_local {arguments} {streams}"
    with subprocess.Popen(["sh", "-c", command], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert worker_behind(port, process)
        finally:
            process.terminate()
        assert process.stderr is not None
        errors = process.stderr.read()
    assert process.returncode == 0, errors
    reason = "cannot be written any more: No space left on device. The local runtime goes on without it."
    assert errors == (f"{said} {reason}\n" if said else "")


def worker_behind(port: int, process: "subprocess.Popen[str]") -> int:
    """Return the process id that the app tells, once it is served."""
    while process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/api/pid") as response:
            return int(response.read())
    raise AssertionError("the runtime ended")


INTERRUPTED = """
import os, runpy, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "MODULE":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["signalr_local", "--port", "0", "--emulator-port", "0"]
runpy.run_module("signalr_local", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("module", ["cli", "host_options", "runtime"])
def test_ctrl_c_ends_it_without_a_traceback_while_it_imports_itself(small_app: Path, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.replace("MODULE", f"signalr_local.{module}")],
        cwd=small_app,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_second_signal_ends_it_at_once_and_says_so(launch: Launch, small_app: Path) -> None:
    (small_app / "function_app.py").write_text(LINGERING)
    runtime = launch("--app", str(small_app), *FREE)
    worker = int(runtime.wait_for(r"worker (\d+)")[1])
    url = runtime.wait_for(r"(http://\S+)/api/linger")[1]
    runtime.wait_for("Ctrl\\+C stops")
    asking = threading.Thread(target=ask, args=(f"{url}/api/linger",))
    asking.start()
    child = int(runtime.wait_for(r"child (\d+)")[1])
    runtime.process.send_signal(signal.SIGINT)
    # It takes no more requests once it has seen the first.
    while is_answered(f"{url}/admin/host/ping"):
        pass
    assert runtime.stop(signal.SIGINT) == 1
    asking.join()
    assert "Ended at once, by a second signal." in runtime.text
    wait_until_gone(worker, child)


def is_answered(url: str) -> bool:
    try:
        with urllib.request.urlopen(url):
            return True
    except OSError:
        return False


def wait_until_gone(*pids: int) -> None:
    while any(is_running(pid) for pid in pids):
        time.sleep(0.02)  # nothing tells of the end of somebody else's child


def test_an_app_behind_a_link_is_the_one_that_it_leads_to_now(launch: Launch, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "function_app.py").write_text(APP + f"\nprint('loaded from {name}')\n")
    (tmp_path / "app").symlink_to("one")
    runtime = launch("--app", str(tmp_path / "app"), *FREE)
    runtime.wait_for("loaded from one")
    runtime.wait_for("Ctrl\\+C stops")
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(tmp_path / "app")
    runtime.wait_for("loaded from two")
    assert runtime.stop() == 0


def test_the_doctor_takes_a_main_module_of_another_name(launch: Launch, small_app: Path) -> None:
    (small_app / "function_app.py").rename(small_app / "main.py")
    settings = {"IsEncrypted": False, "Values": {"PYTHON_SCRIPT_FILE_NAME": "main.py"}}
    (small_app / "local.settings.json").write_text(json.dumps(settings))
    doctor = launch("doctor", "--app", str(small_app))
    doctor.wait()
    assert "There is no" not in doctor.text
    assert "[ok] Functions" in doctor.text


@pytest.mark.parametrize("command", [(), ("doctor",)], ids=["run", "doctor"])
def test_an_app_of_the_first_programming_model_is_told_so(
    launch: Launch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "negotiate").mkdir()
    (tmp_path / "negotiate" / "function.json").write_text('{"bindings": []}')
    runtime = launch(*command, "--app", str(tmp_path), *(() if command else FREE))
    assert runtime.wait() != 0
    assert "an app of the v1 programming model (negotiate/function.json)" in runtime.text
    assert "Traceback" not in runtime.text
