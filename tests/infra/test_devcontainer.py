"""The development container has what the project asks for. No container is started."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from signalr_local.emulator.defaults import DEFAULT_PORT as EMULATOR_PORT
from signalr_local.host.host import DEFAULT_PORT as HOST_PORT

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def container() -> Any:
    return json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))


def test_python_is_that_of_the_project(container: Any) -> None:
    version = (ROOT / ".python-version").read_text().strip()
    assert container["image"] == f"mcr.microsoft.com/devcontainers/python:{version}"


def test_node_is_one_that_the_page_is_built_with(container: Any) -> None:
    [oldest] = re.findall(r"Node\.js (\d+) or newer that has", (ROOT / "scripts" / "find-node").read_text())
    assert container["features"] == {"ghcr.io/devcontainers/features/node:1": {"version": oldest}}


def test_ports_are_those_of_the_runtime_and_keep_their_numbers(container: Any) -> None:
    ports = [HOST_PORT, EMULATOR_PORT]
    assert container["forwardPorts"] == ports
    # Negotiate sends the browser to the emulator by its port, and that is the one in the container.
    attributes = container["portsAttributes"]
    assert {int(port): one["requireLocalPort"] for port, one in attributes.items()} == dict.fromkeys(
        ports, True
    )


def test_environment_is_made_by_targets_of_make(container: Any) -> None:
    command, *targets = container["postCreateCommand"].split()
    assert command == "make"
    done = subprocess.run(
        ["make", "--dry-run", *targets], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "scripts/make-venv" in done.stdout
    assert "scripts/pip-install" in done.stdout


def test_interpreter_is_that_of_the_environment(container: Any) -> None:
    [python] = re.findall(r"^PYTHON := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    settings = container["customizations"]["vscode"]["settings"]
    assert settings == {"python.defaultInterpreterPath": f"${{containerWorkspaceFolder}}/{python}"}
