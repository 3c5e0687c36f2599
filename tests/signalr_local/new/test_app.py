"""New apps of both styles, away from this project, in an environment that their requirements make."""

import filecmp
import json
import sys
import venv
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.new_apps import EMULATOR, copy_deployed, make, run

WHEELS = "wheels"
END = "\x1e"


def test_its_tests_pass(new_app: Path, new_environment: Path) -> None:
    assert " passed" in run(new_environment, "-m", "pytest", "-p", "no:cacheprovider", folder=new_app)


def test_its_types_are_right(new_app: Path, new_environment: Path, tmp_path: Path) -> None:
    cache = f"--cache-dir={tmp_path}"
    assert "Success: no issues" in run(new_environment, "-m", "mypy", cache, ".", folder=new_app)


def test_its_style_is_right(new_app: Path, new_environment: Path) -> None:
    run(new_environment, "-m", "ruff", "check", "--no-cache", folder=new_app)
    run(new_environment, "-m", "ruff", "format", "--check", "--no-cache", folder=new_app)


def test_app_made_with_installed_wheels_is_the_same(
    new_app: Path, new_environment: Path, tmp_path: Path
) -> None:
    style = "functions" if (new_app / "blueprints").is_dir() else "hub"
    again = make(tmp_path / "my-chat", "--style", style, "--azure", "--ci", python=new_environment)
    names = [str(path.relative_to(again)) for path in again.rglob("*") if path.is_file()]
    assert len([name for name in names if name.startswith(WHEELS)]) == 2
    same, different, missing = filecmp.cmpfiles(again, new_app, names, shallow=False)
    assert (sorted(same), different, missing) == (sorted(names), [], [])


@pytest.fixture
def deployed(new_app: Path, deployed_packages: Path, tmp_path: Path) -> Path:
    """Return a folder with what is deployed."""
    return copy_deployed(new_app, deployed_packages, tmp_path / "deployed")


def test_what_is_deployed_is_the_app_alone(deployed: Path) -> None:
    names = {path.relative_to(deployed).as_posix() for path in deployed.rglob("*") if path.is_file()}
    assert {name for name in names if name.endswith(".whl")} == {
        name for name in names if name.startswith("wheels/serverless_signalr-")
    }
    assert {name.partition("/")[0] for name in names} <= {
        *(".python_packages", "function_app.py", "host.json", "requirements.txt", "page", "wheels"),
        *("blueprints", "hub.py", "page.py"),
    }
    assert "requirements.txt" in names


async def test_it_runs_from_what_is_deployed_with_events_as_in_azure(
    launch: Any, deployed: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    settings = {"AzureSignalRConnectionString": EMULATOR, "UPSTREAM_ROUTE": "upstream"}
    (deployed / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": settings}))
    options = ("--upstream", "/api/upstream", "--port", "0", "--emulator-port", "0")
    process = launch("--app", str(deployed), "--python", str(bare), *options)
    url = process.wait_for(r"Open (http://\S+)/index")[1]
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/negotiate?user=ann") as response:
            client = await response.json()
        address = f"{client['url'].replace('http', 'ws', 1)}&access_token={client['accessToken']}"
        async with session.ws_connect(address) as socket:
            await socket.send_str(f'{{"protocol":"json","version":1}}{END}')
            call = {"type": 1, "invocationId": "1", "target": "broadcast", "arguments": ["hello"]}
            await socket.send_str(f"{json.dumps(call)}{END}")
            while '"newMessage"' not in (received := await socket.receive_str(timeout=60)):
                pass
    assert '"text":"hello"' in received
    assert process.stop() == 0


def test_library_s_extra_brings_the_local_runtime_and_its_command(
    new_app: Path, new_environment: Path
) -> None:
    # All of it is installed: pip only has to find out what belongs together.
    found = run(
        *(sys.executable, "-m", "pip", "--python", new_environment, "--disable-pip-version-check"),
        *("install", "--dry-run", "--no-index", "--find-links", WHEELS, "serverless-signalr[local]"),
        folder=new_app,
    )
    assert "Requirement already satisfied: serverless-signalr-local==" in found
    assert "Would install" not in found
    command = new_environment.with_name("signalr-local")
    assert run(command, "--help", folder=new_app).startswith("usage: signalr-local ")
