"""What the tests of the deployment share: Bicep files, parsed, and commands that only record their calls."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from pycep import BicepParser

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"

TOOLS = ["cat", "date", "dirname", "env", "grep", "mktemp", "rm", "sh", "sleep"]
"""What the scripts may use beside az and azd: what every POSIX system has."""

STUB = """#!{python} -I
import json, sys
from pathlib import Path

import jmespath

folder = Path({folder!r})
call = [Path(sys.argv[0]).name]
for word in sys.argv[1:]:
    # the script removes its files, so what is in them is recorded
    is_file = word.startswith("@") or call[-1] == "--file"
    call.append(Path(word.lstrip("@")).read_text() if is_file else word)
with open(folder / "calls.jsonl", "a") as calls:
    calls.write(json.dumps(call) + "\\n")
if call[0] == "sleep":
    (folder / "kept").write_text("".join(file.read_text() for file in folder.glob("tmp.*/*")))

def option(name):
    return call[call.index(name) + 1] if name in call else None

def show(answer):
    if option("--output") != "tsv":
        print(json.dumps(answer))
        return
    for row in answer if isinstance(answer, list) else [answer]:
        if isinstance(row, dict):
            row = [row[key] for key in sorted(row)]
        if isinstance(row, list):
            cells = ["" if isinstance(c, dict) else len(c) if isinstance(c, list) else c for c in row]
            print(*cells, sep="\\t")
        else:
            print(str(row).lower() if isinstance(row, bool) else row)

rules = json.loads((folder / "rules.json").read_text())
for words, answers in reversed(rules):
    if words in " ".join(call):
        code, answer = answers[0]
        if len(answers) > 1:
            del answers[0]
            (folder / "rules.json").write_text(json.dumps(rules))
        if code:
            print(answer, file=sys.stderr)
            sys.exit(code)
        if option("--query"):
            answer = jmespath.search(option("--query"), answer)
        if answer is not None and option("--output") != "none":
            show(answer)
        break
"""
"""A command that answers as az does: it applies ``--query`` and ``--output`` to what the rules say."""


@dataclass(frozen=True)
class Run:
    """Say how a script ended, what it printed, and which commands it called."""

    code: int
    output: str
    calls: list[list[str]]

    def called(self, words: str) -> list[list[str]]:
        """Return the calls whose command line has these words."""
        return [call for call in self.calls if words in " ".join(call)]


@dataclass
class Cloud:
    """Stand in for az, azd and sleep: answer by rules, and record every call.

    An answer is what Azure holds; the query and the format of the command line make of it what is printed.
    """

    folder: Path
    commands: tuple[str, ...] = ("az", "azd", "sleep")
    rules: list[tuple[str, list[tuple[int, Any]]]] = field(default_factory=list)

    def answer(self, words: str, *answers: Any, code: int = 0, then: Sequence[Any] = ()) -> None:
        """Answer command lines that have these words; several answers one after the other.

        The newest rule counts. With a code the command fails and complains of the answer; what it answers
        then, it answers with success.
        """
        self.rules.append((words, [(code, answer) for answer in answers] + [(0, answer) for answer in then]))

    def run(self, script: str, *arguments: str, **environment: str) -> Run:
        """Run a script of infra/scripts with these commands and variables, and nothing else."""
        process = self.start(script, *arguments, **environment)
        output, complaints = process.communicate()
        calls = (self.folder / "calls.jsonl").read_text().splitlines()
        return Run(process.returncode, output + complaints, [json.loads(line) for line in calls])

    def kept(self) -> str:
        """Return what the files of the script held when it last slept."""
        return (self.folder / "kept").read_text()

    def start(self, script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a script likewise, in a process group of its own."""
        path = self.folder / "bin"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        for name in self.commands:
            stub = path / name
            stub.write_text(STUB.format(python=sys.executable, folder=str(self.folder)))
            stub.chmod(0o755)
        for name in {*TOOLS} - {*self.commands}:
            # That of the PATH may be a script of a version manager.
            tool = os.path.realpath(sys.executable) if name == "python3" else shutil.which(name)
            assert tool is not None, f"{name} is missing"
            (path / name).symlink_to(tool)
        (self.folder / "rules.json").write_text(json.dumps(self.rules))
        (self.folder / "calls.jsonl").write_text("")
        return subprocess.Popen(
            [str(INFRA / "scripts" / script), *arguments],
            env={"PATH": str(path), "TMPDIR": str(self.folder), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """Return a cloud in which nothing exists and everything succeeds."""
    return Cloud(tmp_path)


@pytest.fixture(scope="session")
def trees() -> dict[str, Any]:
    """Return what is declared in each Bicep file, by its path below infra/."""
    parser = BicepParser()
    return {
        path.relative_to(INFRA).as_posix(): parser.parse(text=path.read_text())
        for path in sorted(INFRA.rglob("*.bicep"))
    }


@pytest.fixture(scope="session")
def azure_yaml() -> Any:
    """Return azure.yaml."""
    return yaml.safe_load((ROOT / "azure.yaml").read_text())
