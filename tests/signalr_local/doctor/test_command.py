"""The command line of the doctor for an app in a folder."""

import argparse
import ast
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from signalr_local.doctor import command
from signalr_local.doctor.options import add_parser
from tests.conftest import PATIENCE
from tests.signalr_local.doctor.apps import Folder

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def doctor(*options: str) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return await command.run(parser.parse_args(["doctor", *options]))


async def test_an_app_without_a_fault_is_exit_code_0_and_one_line_a_section(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await doctor("--app", str(folder.path)) == 0
    *sections, blank, verdict = capsys.readouterr().out.splitlines()
    assert all(line.startswith("[ok] ") for line in sections)
    assert (blank, verdict) == ("", "No problems found.")


async def test_an_error_is_exit_code_1(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    (folder.path / "host.json").unlink()
    assert await doctor("--app", str(folder.path)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 error found."


async def test_a_warning_is_exit_code_1_only_if_strict(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.edit("host.json", http={"routePrefix": "x"})
    assert await doctor("--app", str(folder.path)) == 0
    assert await doctor("--app", str(folder.path), "--strict") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 warning found."


async def test_a_folder_without_an_app_is_exit_code_2(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.path / "function_app.py").unlink()
    assert await doctor("--app", str(folder.path)) == 2
    assert f"There is no function_app.py in {folder.path}." in capsys.readouterr().err


async def test_a_file_that_is_not_what_it_should_be_is_exit_code_2(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await doctor("--app", str(folder.path), "--service", str(folder.path / "host.json")) == 2
    assert "is not what az signalr show prints." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("--app", "no-such-app"),
            "If no-such-app is an app in Azure: signalr-local doctor --azure no-such-app.",
        ),
        (
            ("--resource-group", "rg"),
            "--resource-group is about an app in Azure: name the app with --azure NAME",
        ),
        (("--no-round-trip",), "--no-round-trip is about an app in Azure"),
        (("--arguments", "[1]"), "--arguments are those of a method: name it with --call"),
        (("--app", ".", "--azure", "x"), "--app is a folder and --azure an app in Azure: name one of them"),
    ],
)
async def test_options_that_would_not_be_looked_at_are_exit_code_2(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    assert await doctor(*options) == 2
    assert told in capsys.readouterr().err


async def test_ctrl_c_ends_the_doctor_without_a_traceback(folder: Folder) -> None:
    here = folder.path / "here"
    os.mkfifo(here)
    folder.write("function_app.py", f"import time\nopen({str(here)!r}, 'w').close()\ntime.sleep(600)")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "signalr_local", "doctor", "--app", str(folder.path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        # It can be read once the app is being imported.
        await asyncio.to_thread(here.read_text)
        process.send_signal(signal.SIGINT)
        _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (130, b"")


async def test_verbose_lists_what_is_fine(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    await doctor("--app", str(folder.path), "-v")
    assert "  [ok] host.json: extension bundle [4.*, 5.0.0)\n" in capsys.readouterr().out


async def test_json_is_all_that_is_printed(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    await doctor("--app", str(folder.path), "--output", "json")
    assert json.loads(capsys.readouterr().out)["verdict"] == "No problems found."


async def test_sarif_of_an_app_without_a_fault_has_no_results(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    await doctor("--app", str(folder.path), "--output", "sarif")
    assert json.loads(capsys.readouterr().out)["runs"][0]["results"] == []


async def test_the_doctor_needs_nothing_but_the_packages_of_the_runtime() -> None:
    imported = {
        (node.module or "").partition(".")[0]
        if isinstance(node, ast.ImportFrom)
        else alias.name.partition(".")[0]
        for path in (Path(command.__file__).parent).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported - set(sys.stdlib_module_names) == {"aiohttp", "serverless_signalr", "signalr_local"}
