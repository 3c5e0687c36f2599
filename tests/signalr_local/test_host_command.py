"""``signalr-local host`` with the options of ``func start``, as a user starts it."""

import json
import re
import socket
import ssl
import urllib.request
from pathlib import Path
from typing import Any, Protocol

import pytest

APP = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return "hello"

@app.route(route="other")
def other(req: func.HttpRequest) -> str:
    return "other"
"""


class Launch(Protocol):
    def __call__(self, *arguments: str) -> Any: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a small app."""
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "local.settings.json").write_text('{"IsEncrypted": false, "Values": {}}')
    return tmp_path


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def initialize(port: int) -> bytes:
    """Ask a debug adapter what it can do, as an editor does first, and return the head of its answer."""
    request = {"seq": 1, "type": "request", "command": "initialize", "arguments": {"adapterID": "python"}}
    body = json.dumps(request).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as debugger:
        debugger.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return debugger.recv(15)


def test_a_debugger_attaches_before_and_after_a_change(launch: Launch, folder: Path, free_port: int) -> None:
    host = launch("host", "--app", str(folder), "--port", "0", "--debug", str(free_port))
    for _ in range(2):
        host.wait_for(f"A debugger can attach to 127.0.0.1:{free_port}")
        assert initialize(free_port) == b"Content-Length:"
        (folder / "function_app.py").write_text(APP + "\n# changed\n")
    assert host.stop() == 0


def test_json_output_has_one_record_a_line_and_a_summary(launch: Launch, folder: Path) -> None:
    host = launch("host", "--app", str(folder), "--port", "0", "--enable-json-output", "--functions", "HELLO")
    host.wait_for('"to": ?"ready"')
    assert host.stop() == 0
    records = [json.loads(line) for line in host.text.splitlines()]
    kinds = [record["kind"] for record in records]
    initialization = [
        (kind.removeprefix("start_initialization_"), record.get("step"))
        for kind, record in zip(kinds, records, strict=True)
        if kind.startswith("start_initialization_")
    ]
    assert initialization == [
        ("started", None),
        ("step_started", "read_settings"),
        ("step_completed", "read_settings"),
        ("step_started", "start_worker"),
        ("step_completed", "start_worker"),
        ("completed", None),
    ]
    assert kinds.index("log") > kinds.index("start_initialization_completed")
    assert [item["name"] for item in records if item["kind"] == "function_discovered"] == ["hello"]
    assert (kinds[-1], records[-1]["exit_reason"]) == ("summary", "sigint")


def test_json_output_says_why_the_host_does_not_start(launch: Launch, folder: Path) -> None:
    (folder / "local.settings.json").write_text("{")
    host = launch("host", "--app", str(folder), "--port", "0", "--output", "json")
    host.wait_for('"exit_reason": ?"host_failed"')
    records = [json.loads(line) for line in host.text.splitlines() if line.startswith("{")]
    [told] = [record for record in records if record["kind"] == "cli_diagnostic"]
    assert (told["code"], told["level"]) == ("start_failed", "error")
    assert "local.settings.json is not valid JSON" in told["message"]


def test_json_goes_to_a_file_beside_the_text(launch: Launch, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    host = launch("host", "--app", str(folder), "--port", "0", "--json-output-file", str(file))
    host.wait_for("Ctrl\\+C stops")
    assert host.stop() == 0
    assert json.loads(file.read_text().splitlines()[-1])["kind"] == "summary"


def test_https_is_served_with_a_certificate_for_localhost(launch: Launch, folder: Path) -> None:
    host = launch("host", "--app", str(folder), "--port", "0", "--useHttps")
    found = host.wait_for(r"hello: (https://localhost:\d+/api/hello)")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(found[1], context=context, timeout=30) as reply:
        assert reply.read() == b"hello"
    assert host.stop() == 0


def test_both_loopback_addresses_are_listened_on(launch: Launch, folder: Path) -> None:
    host = launch("host", "--app", str(folder), "--port", "0")
    found = host.wait_for(r"hello: http://localhost:(\d+)/api/hello")
    for address in ("127.0.0.1", "[::1]"):
        with urllib.request.urlopen(f"http://{address}:{found[1]}/api/hello", timeout=30) as reply:
            assert reply.read() == b"hello"
    assert host.stop() == 0


def test_settings_name_port_and_address(launch: Launch, folder: Path, free_port: int) -> None:
    content = {"Host": {"LocalHttpPort": free_port, "LocalHttpAddress": "127.0.0.1"}}
    (folder / "local.settings.json").write_text(json.dumps(content))
    host = launch("host", "--app", str(folder))
    host.wait_for(f"hello: http://localhost:{free_port}/api/hello")
    assert host.stop() == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--address", "203.0.113.7"], "this machine has no address 203.0.113.7; see --address"),
        (["--cert", "x"], "--cert is for HTTPS: add --useHttps"),
        (["--port", "99999"], "'99999' is not a port, expected a number from 0 to 65535"),
        (["--cors", "*", "--cors-credentials"], "CORS allows every origin (*) with credentials"),
        (["--timeout", "0.001"], "the app did not start within 0.001 seconds; see --timeout"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    launch: Launch, folder: Path, words: list[str], sentence: str
) -> None:
    host = launch("host", "--app", str(folder), "--port", "0", *words)
    assert host.wait() != 0
    assert re.search(re.escape(sentence), host.text)
    assert "Traceback" not in host.text


def test_a_breakpoint_without_a_debugger_is_skipped_and_the_log_says_how_to_have_one(
    launch: Launch, folder: Path
) -> None:
    (folder / "function_app.py").write_text(APP.replace("return", "breakpoint()\n    return", 1))
    host = launch("host", "--app", str(folder), "--port", "0")
    found = host.wait_for(r"hello: (http://localhost:\d+/api/hello)")
    with urllib.request.urlopen(found[1], timeout=30) as reply:
        assert reply.read() == b"hello"
    host.wait_for(r"breakpoint\(\) in .*function_app\.py, line \d+, was skipped: .* --debug")
    assert host.stop() == 0
