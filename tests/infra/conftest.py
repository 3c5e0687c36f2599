"""What the tests of the deployment share: Bicep files, parsed, and commands that only record their calls."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from pycep import BicepParser

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"

TOOLS = ["cat", "date", "dirname", "env", "grep", "mktemp", "rm", "sh"]
"""What the scripts may use beside az and azd: what every POSIX system has."""

STUB = """#!{python} -I
import json, pathlib, sys

folder = pathlib.Path({folder!r})
call = [pathlib.Path(sys.argv[0]).name]
for word in sys.argv[1:]:
    # the script removes its files, so what is in them is recorded
    is_file = word.startswith("@") or call[-1] == "--file"
    call.append(pathlib.Path(word.lstrip("@")).read_text() if is_file else word)
with open(folder / "calls.jsonl", "a") as calls:
    calls.write(json.dumps(call) + "\\n")
rules = json.loads((folder / "rules.json").read_text())
for words, answers, code in reversed(rules):
    if words in " ".join(call):
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        (folder / "rules.json").write_text(json.dumps(rules))
        print(answer, file=sys.stderr if code else sys.stdout)
        sys.exit(code)
"""


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
    """Stand in for az, azd and sleep: answer by rules, and record every call."""

    folder: Path
    commands: tuple[str, ...] = ("az", "azd", "sleep")
    rules: list[tuple[str, list[str], int]] = field(default_factory=list)

    def answer(self, words: str, *answers: str, code: int = 0) -> None:
        """Answer command lines that have these words; several answers one after the other.

        The newest rule counts. With a code the command fails, and complains of the answer.
        """
        self.rules.append((words, list(answers), code))

    def run(self, script: str, *arguments: str, **environment: str) -> Run:
        """Run a script of infra/scripts with these commands and variables, and nothing else."""
        path = self.folder / "bin"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        for name in self.commands:
            stub = path / name
            stub.write_text(STUB.format(python=sys.executable, folder=str(self.folder)))
            stub.chmod(0o755)
        for name in TOOLS:
            tool = shutil.which(name)
            assert tool is not None, f"{name} is missing"
            (path / name).symlink_to(tool)
        (self.folder / "rules.json").write_text(json.dumps(self.rules))
        calls = self.folder / "calls.jsonl"
        calls.write_text("")
        done = subprocess.run(
            [str(INFRA / "scripts" / script), *arguments],
            env={"PATH": str(path), "TMPDIR": str(self.folder), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        recorded = [json.loads(line) for line in calls.read_text().splitlines()]
        return Run(done.returncode, done.stdout + done.stderr, recorded)


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
