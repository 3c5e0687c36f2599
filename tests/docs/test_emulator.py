"""docs/emulator.md keeps to the facts: its tests exist; options, commands and files are understood."""

import argparse
import ast
import asyncio
import contextlib
import json
import re
import shlex
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from serverless_signalr.endpoint import Endpoint
from signalr_local import cli
from signalr_local.emulator import DEFAULT_ACCESS_KEY, Emulator
from signalr_local.emulator.rules import UpstreamRule
from signalr_local.emulator.settings_file import DEFAULT_SETTINGS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
DOCKERFILE = ROOT / "signalr_local" / "emulator" / "Dockerfile"

COLUMNS = ["what", "the service", "Microsoft's emulator", "here, and why", "test"]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows() -> list[list[str]]:
    _, _, tables = TEXT.partition("## Differences")
    lines = [line for line in tables.splitlines() if line.startswith("| ")]
    return [cells(line) for line in lines if cells(line) != COLUMNS]


ROWS = rows()


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return [block for name, block in fenced if name == language]


def parser() -> argparse.ArgumentParser:
    return cli._parser()


def emulator_parser() -> argparse.ArgumentParser:
    (commands,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    found: argparse.ArgumentParser = commands.choices["emulator"]
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_difference_has_all_its_cells_and_tests_that_exist(row: list[str]) -> None:
    assert len(row) == len(COLUMNS)
    assert all(row)
    named = re.findall(r"`(tests/[^`]+)`", row[-1])
    assert named
    for name in named:
        path, _, function = name.partition("::")
        assert function in functions_of(path)


def test_no_difference_is_told_twice() -> None:
    names = [row[0] for row in ROWS]
    assert len(names) == len(set(names)) > 50


def test_every_option_is_in_the_table_and_no_other() -> None:
    table, _, _ = TEXT.partition("## Options")[2].partition("## ")
    told = {option for line in table.splitlines() for option in re.findall(r"`(--?[\w-]+)`", cells(line)[0])}
    known = {option for action in emulator_parser()._actions for option in action.option_strings}
    assert told == known


COMMANDS = [
    line.removeprefix(start)
    for line in (part for block in blocks("") for part in block.splitlines())
    for start in (".venv/bin/python -m signalr_local ", "signalr-local ")
    if line.startswith(start)
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str) -> None:
    assert parser().parse_args(shlex.split(command)).command


def test_commands_are_shown() -> None:
    assert len(COMMANDS) >= 2


def test_the_connection_string_is_that_of_the_emulator() -> None:
    for text in re.findall(r"Endpoint=[^\"`\n]+", TEXT):
        endpoint = Endpoint.parse(text)
        assert endpoint.access_key == DEFAULT_ACCESS_KEY
        assert endpoint.url.endswith(":8888")


def test_the_file_is_the_one_that_init_writes() -> None:
    (block,) = blocks("json")
    assert json.loads(block) == json.loads(DEFAULT_SETTINGS)


def test_rules_of_the_example_are_what_the_text_says() -> None:
    (line,) = [command for command in COMMANDS if "--upstream" in command]
    first, second = parser().parse_args(shlex.split(line)).rules
    assert first == UpstreamRule("http://localhost:5000/events/{event}", hub="chat", category="messages")
    assert second == UpstreamRule("/runtime/webhooks/signalr")


def test_the_compose_file_starts_the_image_with_options_that_are_understood() -> None:
    (block,) = blocks("yaml")
    services = yaml.safe_load(block)["services"]
    signalr = services["signalr"]
    assert ROOT / signalr["build"]["dockerfile"] == DOCKERFILE
    arguments = parser().parse_args(["emulator", *signalr["command"]])
    assert arguments.host_names == ["signalr"]
    endpoint = Endpoint.parse(services["app"]["environment"]["AzureSignalRConnectionString"])
    assert endpoint.url == "http://signalr:8888"
    assert endpoint.client_url == "http://localhost:8888"


def test_the_image_has_what_it_copies_and_an_entry_that_is_understood() -> None:
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.startswith("COPY "):
            assert (ROOT / line.split()[1]).exists()
    (entry,) = [
        json.loads(line.removeprefix("ENTRYPOINT ")) for line in lines if line.startswith("ENTRYPOINT")
    ]
    assert entry[:3] == ["python", "-m", "signalr_local"]
    assert parser().parse_args(entry[3:]).ip == "0.0.0.0"
    allowed = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert {line.split()[1].partition("/")[0] for line in lines if line.startswith("COPY ")} == {
        name.removeprefix("!") for name in allowed if name.startswith("!")
    }


def required(names: set[str]) -> set[str]:
    """Return the distributions that these need, themselves included."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        for requirement in metadata.requires(name) or ():
            if "extra ==" not in requirement:
                needed = re.split(r"[^\w.-]", requirement)[0]
                with contextlib.suppress(metadata.PackageNotFoundError):
                    waiting.append(metadata.distribution(needed).name)
    return found


def test_the_image_has_the_packages_that_the_emulator_loads_and_no_others() -> None:
    text = (DOCKERFILE.parent / "requirements.txt").read_text(encoding="utf-8")
    named = {re.split(r"[<>=]", line)[0] for line in text.splitlines() if not line.startswith("#")}
    # The rules of a file are read by the package that only this needs.
    shown = "print(*{name.partition('.')[0] for name in sys.modules})"
    code = f"import sys, jsonc, signalr_local.inspector.endpoint; {shown}"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    packages = metadata.packages_distributions()
    ours = {"serverless-signalr", "serverless-signalr-local"}
    loaded = {
        name.lower().replace("_", "-")
        for module in printed.split()
        for name in packages.get(module, ())
        if module not in sys.stdlib_module_names
    } - ours
    assert loaded - required(named) == set()
    assert named - loaded == set()


async def test_the_python_example_sends_a_message() -> None:
    (block,) = blocks("python")
    emulator = Emulator()
    await emulator.start(port=0)
    code = block.replace("localhost:8888", f"localhost:{emulator.port}")

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    await emulator.stop()
    assert (output, errors) == (b"202\n", b"")


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", TEXT))
def test_a_file_that_is_linked_exists(path: str) -> None:
    assert path.startswith("http") or (ROOT / "docs" / path).exists()
