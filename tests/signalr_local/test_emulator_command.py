"""``python -m signalr_local emulator``, as a user of the official emulator knows it."""

import json
import logging
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest

from serverless_signalr._rest.tokens import sign_server_token
from serverless_signalr.endpoint import Endpoint
from signalr_local import cli
from signalr_local.emulator.defaults import WEBHOOK
from signalr_local.emulator_command import HOST
from signalr_local.host import trigger
from signalr_local.host.host import DEFAULT_PORT

ROOT = Path(__file__).parents[2]


class Launch(Protocol):
    def __call__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Any: ...


def settings(folder: Path, *urls: str) -> Path:
    path = folder / "settings.json"
    rules = [{"UrlTemplate": url} for url in urls]
    path.write_text(json.dumps({"UpstreamSettings": {"Templates": rules}}))
    return path


@dataclass(frozen=True)
class Ended:
    """What a command that ended has printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


type Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run commands that end by themselves in a folder of their own, in this process."""
    logger = logging.getLogger("signalr_local")
    before = (logger.handlers, logger.level, logger.propagate)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["signalr-local", *arguments])
        try:
            code = cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    yield run
    logger.handlers, logger.level, logger.propagate = before


def started(launch: Launch, *arguments: str) -> Any:
    emulator = launch("emulator", *arguments)
    emulator.wait_for("Ctrl\\+C stops the emulator")
    return emulator


def test_the_host_of_the_default_rule_is_the_one_of_this_project() -> None:
    assert f"http://localhost:{DEFAULT_PORT}{trigger.PATH}" == HOST + WEBHOOK


@pytest.mark.parametrize("port", ["-p", "--port", "--emulator-port"])
@pytest.mark.parametrize("command", [(), ("start",)])
def test_it_starts_and_says_what_opens_it_and_where_events_go(
    launch: Launch, port: str, command: tuple[str, ...]
) -> None:
    emulator = started(launch, *command, port, "0")
    assert emulator.stop() == 0
    assert re.search(r"Connection string: Endpoint=http://localhost;Port=\d+;AccessKey=", emulator.text)
    assert f"Upstream rules:\n\t[0]{HOST}{WEBHOOK}(event:'*',hub:'*',category:'*')\n" in emulator.text
    assert "Traceback" not in emulator.text


def test_an_option_before_the_command_counts_too(launch: Launch) -> None:
    emulator = launch("--emulator-port", "0", "--upstream", "/mine", "emulator")
    emulator.wait_for("Ctrl\\+C stops the emulator")
    emulator.stop()
    assert f"[0]{HOST}/mine(" in emulator.text


def test_rules_are_given_in_their_order_with_patterns(launch: Launch) -> None:
    emulator = started(
        launch,
        "-p",
        "0",
        "--upstream",
        "http://a/{event} event=x,y hub=chat",
        "--upstream",
        "/b category=messages",
    )
    emulator.stop()
    assert "\t[0]http://a/{event}(event:'x,y',hub:'chat',category:'*')\n" in emulator.text
    assert f"\t[1]{HOST}/b(event:'*',hub:'*',category:'messages')\n" in emulator.text


@pytest.mark.parametrize("is_folder", [True, False])
def test_rules_come_from_a_file_and_change_with_it(launch: Launch, tmp_path: Path, is_folder: bool) -> None:
    path = settings(tmp_path, "http://old/")
    emulator = started(launch, "-p", "0", "-c", str(tmp_path if is_folder else path))
    assert (
        f"Upstream rules of '{path}', which is read again when it changes:\n\t[0]http://old/" in emulator.text
    )
    settings(tmp_path, "http://new/", "http://Second/?code=secret")
    emulator.wait_for("The upstream rules have changed:")
    emulator.wait_for(r"^\t\[0\]http://new/\(")
    emulator.wait_for(r"^\t\[1\]http://Second/\(")
    path.write_text("{ bad")
    emulator.wait_for("The rules that were read before stay in use")
    assert emulator.stop() == 0
    assert "secret" not in emulator.text


def test_a_rule_that_can_hardly_be_meant_is_said_to_be(launch: Launch) -> None:
    emulator = started(launch, "-p", "0", "--upstream", "http://a/ hub=Chat")
    emulator.stop()
    assert "Rule [0] may not do what is meant: the hub pattern 'Chat' has capital letters" in emulator.text


def test_init_writes_a_file_that_list_reads_and_that_is_not_overwritten(tmp_path: Path, run: Run) -> None:
    written = run("emulator", "upstream", "init")
    assert (written.returncode, written.stdout) == (0, "Exported default settings to 'settings.json'.\n")
    listed = run("emulator", "upstream", "list")
    assert listed.returncode == 0
    assert listed.stdout == (
        "Loaded upstream settings from 'settings.json'\nCurrent Upstream Settings:\n"
        f"\t[0]{HOST}{WEBHOOK}(event:'*',hub:'*',category:'*')\n"
    )
    settings(tmp_path, "http://mine/")
    again = run("emulator", "upstream", "init", "-o", str(tmp_path))
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert "http://mine/" in run("emulator", "upstream", "list", "-c", str(tmp_path)).stdout


def test_an_empty_file_is_listed_as_in_the_official_emulator(tmp_path: Path, run: Run) -> None:
    settings(tmp_path)
    listed = run("emulator", "upstream", "list")
    assert "No upstream is set yet. Use 'upstream init' to create default upstreams." in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("-p", "abc"), 2, "'abc' is not valid, expected a port from 0 to 65535"),
        (("-p", "99999"), 2, "'99999' is not valid, expected a port"),
        (("-i", "x"), 2, "'x' is not valid, expected an IP address"),
        (("-i", "192.0.2.1"), 1, "The emulator cannot listen on 192.0.2.1 port 8888"),
        (("-c", "nothere"), 1, "Unable to find config file 'nothere' or 'nothere/settings.json'."),
        (("--upstream", "http://a hub"), 2, "'hub' is not valid after the URL"),
        (("--upstream", "http://a hub=a hub=b"), 2, "'hub=b' is not valid after the URL"),
        (("--upstream", "/a", "-c", "."), 1, "from --config or from --upstream, not from both"),
        (("--keep-alive", "0"), 2, "'0' is not valid, expected a number of seconds above 0"),
        (("--keep-alive", "nan"), 2, "'nan' is not valid"),
        (("--send-buffer", "many"), 2, "'many' is not valid, expected a size such as 16MiB"),
        (("--tier", "huge"), 2, "invalid choice: 'huge'"),
        (("--key", "short"), 1, "an access key is not valid: expected 16 ASCII characters or more"),
        (("--key", "k" * 16, "--key", "l" * 16, "--key", "m" * 16), 1, "--key is given twice at most."),
        (("--host-name", "http://emulator"), 1, "the host 'http://emulator' is not valid"),
        (("--allowed-origin", "*"), 1, "the origin '*' is not valid"),
        (("--unknown",), 2, "there is no option --unknown"),
        (("upstream",), 2, "required"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_and_is_an_exit_code(
    arguments: tuple[str, ...], code: int, text: str, run: Run
) -> None:
    result = run("emulator", *arguments)
    assert text in result.stderr
    assert result.returncode == code
    assert "Traceback" not in result.stderr


def test_a_broken_file_is_said_at_the_start(tmp_path: Path, run: Run) -> None:
    (tmp_path / "settings.json").write_text('{"UpstreamSettings": bad')
    for arguments in ((), ("upstream", "list")):
        result = run("emulator", *arguments)
        assert result.returncode == 1
        assert "settings.json is not valid JSON" in result.stderr


def test_a_port_in_use_is_one_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run("emulator", "-p", str(port))
    assert (result.returncode, result.stderr) == (
        1,
        f"Port {port} is unavailable. Close the process using that port, or specify another port using "
        "--port.\n",
    )


@pytest.mark.parametrize("arguments", [("--version",), ("emulator", "--version")])
def test_the_version_is_that_of_the_distribution(arguments: tuple[str, ...], run: Run) -> None:
    assert re.fullmatch(r"signalr-local \d+\.\d+\.\d+\S*\n", run(*arguments).stdout)


def test_help_names_every_option(run: Run) -> None:
    printed = run("emulator", "--help").stdout
    for option in (
        "-p, --port",
        "-i, --ip",
        "-c, --config",
        "--version",
        "--host-name",
        "--allowed-origin",
        "--key",
        "--upstream",
        "--keep-alive",
        "--client-timeout",
        "--handshake-timeout",
        "--upstream-timeout",
        "--client-result-timeout",
        "--send-buffer",
        "--tier",
        "--lenient",
        "--silent",
        "--forward-streams",
        "--stateful-reconnect",
    ):
        assert option in printed


def test_the_help_of_all_names_the_ports(run: Run) -> None:
    printed = " ".join(run("--help").stdout.split())
    assert "the emulator's port (default: 8888)" in printed


def test_the_emulator_alone_needs_no_package_of_host_or_worker(tmp_path: Path) -> None:
    code = (
        "import sys, signalr_local.cli; signalr_local.cli._parser().parse_args(['emulator']); "
        "import signalr_local.emulator.server; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    assert "aiohttp" in loaded
    assert {"azure", "azure_functions_runtime", "watchfiles", "jwt", "grpc"}.isdisjoint(loaded)


async def test_options_reach_the_emulator(launch: Launch) -> None:
    keys = ("p" * 44, "s" * 44)
    emulator = launch(
        *("emulator", "-p", "0", "-i", "127.0.0.1", "--lenient", "--silent", "--forward-streams"),
        *("--key", keys[0], "--key", keys[1], "--tier", "free", "--send-buffer", "4MiB"),
        *("--host-name", "host.docker.internal", "--allowed-origin", "http://localhost:5173"),
        *(
            "--keep-alive",
            "1",
            "--client-timeout",
            "2",
            "--handshake-timeout",
            "3",
            "--upstream-timeout",
            "4",
        ),
    )
    found = emulator.wait_for(r"Connection string: (Endpoint=\S+)")
    endpoint = Endpoint.parse(found[1])
    assert endpoint.access_key == keys[0]
    emulator.wait_for("Ctrl\\+C stops the emulator")
    path = "/api/hubs/chat/users/ann"
    token = sign_server_token(Endpoint.parse(found[1].replace(*keys)), "http://elsewhere/")
    headers = {
        "Authorization": f"Bearer {token}",
        "Host": "host.docker.internal",
        "Origin": "http://localhost:5173",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{endpoint.url.replace('localhost', '127.0.0.1')}{path}", headers=headers) as response,
    ):
        assert response.status == 404
        assert response.headers["x-ms-error-code"] == "Warning.User.NotExisted"
        assert response.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert emulator.stop() == 0
    for key in keys:
        assert emulator.text.count(key) == (1 if key == keys[0] else 0)


def control(connection_string: str, action: str, body: object) -> int:
    request = urllib.request.Request(
        f"{Endpoint.parse(connection_string).url}/_test/{action}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_tests_on_this_machine_drive_the_emulator_where_it_is_told_to_let_them(launch: Launch) -> None:
    emulator = started(launch, "-p", "0", "--control")
    found = re.search(r"Endpoint=\S+", emulator.text)
    assert found is not None
    for action, body in (
        ("rest", {"status": 429}),
        ("clear", {}),
        ("advance", {"hours": 1}),
        ("restart", {}),
        ("rotate-key", {"key": "k" * 44}),
    ):
        assert control(found[0], action, body) == 204
    assert control(found[0], "settled", {}) == 404
    assert "Tests on this machine ask for faults at http://localhost:" in emulator.text
    assert emulator.stop() == 0


def test_nobody_drives_an_emulator_that_was_not_told(launch: Launch) -> None:
    emulator = started(launch, "-p", "0")
    found = re.search(r"Endpoint=\S+", emulator.text)
    assert found is not None
    assert control(found[0], "clear", {}) == 404
    assert emulator.stop() == 0
