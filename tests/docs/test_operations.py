"""The commands of the pages about Azure: they parse, and what they name exists."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from signalr_local.doctor.options import add_parser

ROOT = Path(__file__).parents[2]
PAGES = ("deployment", "operate", "deployment-reference", "doctor")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

ENVIRONMENT = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "infra" / "main.parameters.json").read_text())) | {
    "APP",
    "SMOKE_TEST",
    "SMOKE_PATIENCE",
    "MAIL_PASSWORD",
}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text()


def blocks(name: str) -> list[str]:
    return [block for language, block in BLOCK.findall(page(name)) if not language]


SHELL = [(name, block) for name in PAGES for block in blocks(name)]
IDS = [f"{name}-{number}" for number, (name, _) in enumerate(SHELL)]
INLINE = [(name, code) for name in PAGES for code in re.findall(r"`([^`\n]+)`", page(name))]


def commands() -> list[tuple[str, str]]:
    """Return the lines of all blocks and all that stands in the text, with the page's name."""
    lines = [(name, line) for name, block in SHELL for line in block.replace("\\\n", " ").splitlines()]
    return lines + INLINE


@pytest.mark.parametrize(("name", "block"), SHELL, ids=IDS)
def test_a_block_of_commands_parses(name: str, block: str) -> None:
    done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr}\n{block}"


def test_there_are_blocks_on_every_page_that_has_commands() -> None:
    assert {name for name, _ in SHELL} >= {"deployment", "operate", "doctor"}


def test_every_script_that_is_named_exists_and_runs() -> None:
    named = {
        found for _, text in commands() for found in re.findall(r"infra/scripts/[\w-]+\.(?:sh|py)", text)
    }
    assert {"infra/scripts/doctor.sh", "infra/scripts/rollback.py"} <= named
    assert [path for path in named if not (ROOT / path).is_file()] == []
    assert [path for path in named if path.endswith(".sh") and not os.access(ROOT / path, os.X_OK)] == []


def test_every_option_of_a_script_is_one_that_it_takes() -> None:
    for script in ("rollback.py", "package.py"):
        lines = {text.partition("#")[0] for _, text in commands() if f"infra/scripts/{script} " in text}
        options = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
        helped = subprocess.run(
            [sys.executable, str(ROOT / "infra" / "scripts" / script), "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert {option for option in options if option not in helped} == set()


def test_every_file_that_is_named_exists() -> None:
    named = {
        code
        for _, code in INLINE
        if re.fullmatch(r"(infra|docs|tests|\.github|scripts)/[\w./-]*\w", code) and "*" not in code
    }
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_target_of_make_exists() -> None:
    named = {found for _, text in commands() for found in re.findall(r"^make ([a-z-]+)", text)}
    assert named <= TARGETS
    assert "package" in named


def test_every_value_of_azds_environment_is_one_that_something_reads() -> None:
    named = {found for _, text in commands() for found in re.findall(r"azd env set ([A-Z_]+)", text)}
    assert {"SIGNALR_SKU", "ROLLING_UPDATES"} <= named
    assert named - ENVIRONMENT == set()


def test_every_command_line_of_the_doctor_is_one_that_it_takes() -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    lines = [
        text.partition("#")[0].partition(">")[0]
        for _, text in commands()
        if text.startswith("signalr-local doctor ")
    ]
    assert len(lines) >= 4
    for line in lines:
        parser.parse_args(shlex.split(line)[1:] if "--help" not in line else ["doctor"])


def test_every_option_of_the_doctor_is_documented() -> None:
    parser = argparse.ArgumentParser()
    doctor = add_parser(parser.add_subparsers())
    text = page("doctor")
    options = {option for action in doctor._actions for option in action.option_strings if option[:2] == "--"}
    assert {option for option in options - {"--help"} if f"{option}" not in text} == set()


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_headings_that_exist(name: str) -> None:
    for file, anchor in re.findall(r"\]\(([\w-]*\.md)?#([\w-]+)\)", page(name)):
        target = page(file.removesuffix(".md") if file else name)
        anchors = {
            re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", target, re.MULTILINE)
        }
        assert anchor in anchors, f"{file or name}#{anchor}"


def test_json_that_is_shown_is_json() -> None:
    for block in re.findall(r"^```text\n(\"appSettings\".*?)^```", page("deployment-reference"), re.M | re.S):
        json.loads(f"{{{block}}}")


def test_costs_stand_above_the_command_that_makes_them() -> None:
    text = page("deployment")
    assert text.index("**What it costs:**") < text.index("azd up\n```")


def test_report_of_the_doctor_is_the_one_that_the_page_shows(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "signalr_local"]
    new = subprocess.run([*command, "new", "app", "--name", "app", "--hub", "chat"], cwd=tmp_path, check=True)
    assert new.returncode == 0
    settings = tmp_path / "app" / "local.settings.json"
    values = json.loads(settings.read_text()) | {
        "Host": {"CORS": "https://a.example/", "CORSCredentials": True}
    }
    settings.write_text(json.dumps(values))
    done = subprocess.run(
        [*command, "doctor"], cwd=tmp_path / "app", capture_output=True, text=True, check=False
    )
    shown = next(block for language, block in BLOCK.findall(page("doctor")) if block.startswith("[ok]"))
    # Whether an emulator runs on this machine is nobody's error.
    assert re.sub(r"\[ok\] (Connections): .*|Connections:\n.*", "", done.stdout) == re.sub(
        r"\[ok\] (Connections): .*", "", shown
    )
