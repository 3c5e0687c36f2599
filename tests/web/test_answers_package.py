"""The npm package of the client of answers: what it holds, its types for others, and that it runs alone."""

import json
import subprocess
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
NAME = "serverless-signalr-answers"

CONSUMER = """
import { HubConnectionBuilder } from "@microsoft/signalr";
import { Answers, type AnswerPiece } from "serverless-signalr-answers";

const answers = new Answers(new HubConnectionBuilder().withUrl("/api").build(), { askAfter: 500 });

export async function read(id: string): Promise<string> {
  let text = "";
  for await (const piece of answers.stream(id, { since: 2 })) {
    if (piece.kind === "text") text += piece.text;
    if (piece.kind === "reset") text = piece.text ?? "";
    if (piece.kind === "toolCall") text += piece.data.name;
  }
  return text;
}

export const stop = (id: string): Promise<boolean> => answers.cancel(id);
export const shown = (piece: AnswerPiece): number => piece.seq;
"""

MISTAKES = """
import { Answers, type AnswerPiece } from "serverless-signalr-answers";

// @ts-expect-error: a connection has on, off and invoke
new Answers({});
// @ts-expect-error: the last piece has no text
export const text = (piece: AnswerPiece): string => (piece.kind === "done" ? piece.text : "");
"""

ALONE = """
import { Answers } from "serverless-signalr-answers";

let receive;
const connection = {
  on: (target, handle) => { receive = handle; },
  off: () => {},
  invoke: async () => ({ state: "unknown", recovered: true, seq: 0, text: null, pieces: [] }),
};
const answers = new Answers(connection);
const stream = answers.stream("one");
receive({ id: "one", seq: 1, kind: "text", text: "Tea " });
receive({ id: "one", seq: 1, kind: "text", text: "Tea " });
receive({ id: "one", seq: 2, kind: "text", text: "is." });
receive({ id: "one", seq: 3, kind: "done" });
let text = "";
for await (const piece of stream) text += piece.text ?? "";
console.log(text);
process.exit(0);
"""


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compile_types(
    node: str, folder: Path, *arguments: str, resolution: tuple[str, str] = ("NodeNext", "NodeNext")
) -> None:
    run(
        *(node, str(WEB / "node_modules" / "typescript" / "bin" / "tsc")),
        *("--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "ES2022"),
        *("--lib", "ES2022,DOM", "--module", resolution[0], "--moduleResolution", resolution[1]),
        *arguments,
        cwd=folder,
    )


@pytest.fixture(scope="module")
def packed(node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package and pack it as npm publishes it."""
    folder = tmp_path_factory.mktemp("answers")
    run(node, str(WEB / "package.mjs"), str(folder / "package"), cwd=ROOT)
    npm = Path(node).with_name("npm")
    printed = run(str(npm), "pack", "--json", "./package", cwd=folder)
    return folder / str(json.loads(printed)[0]["filename"])


@pytest.fixture(scope="module")
def consumer(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project that has the package and the SignalR client, with nothing else beside them."""
    folder = tmp_path_factory.mktemp("consumer")
    modules = folder / "node_modules"
    modules.mkdir()
    with tarfile.open(packed) as archive:
        archive.extractall(modules, filter="data")
    (modules / "package").rename(modules / NAME)
    (modules / "@microsoft").symlink_to(WEB / "node_modules" / "@microsoft")
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


@pytest.fixture(scope="module")
def description(consumer: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((consumer / "node_modules" / NAME / "package.json").read_text())
    return found


def test_package_holds_the_module_and_its_types_alone(packed: Path) -> None:
    with tarfile.open(packed) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}
    assert names == {
        *("answers.js", "answers.d.ts", "pieces.js", "pieces.d.ts"),
        *("package.json", "README.md", "LICENSE"),
    }


def test_package_depends_on_nothing(description: dict[str, Any]) -> None:
    assert not [name for name in description if "ependencies" in name]


def test_package_has_the_version_of_the_library(description: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert description["version"] == project["version"]


@pytest.mark.parametrize(
    "resolution", [("NodeNext", "NodeNext"), ("ESNext", "Bundler")], ids=["Node.js", "bundler"]
)
def test_types_are_there_for_others(node: str, consumer: Path, resolution: tuple[str, str]) -> None:
    (consumer / "consumer.ts").write_text(CONSUMER)
    # The types of the SignalR client want those of Node.js.
    compile_types(node, consumer, "--skipLibCheck", "consumer.ts", resolution=resolution)


def test_types_refuse_mistakes_and_are_right_themselves(node: str, consumer: Path) -> None:
    (consumer / "mistakes.ts").write_text(MISTAKES)
    compile_types(node, consumer, "mistakes.ts")


def test_module_runs_without_anything_else(node: str, consumer: Path) -> None:
    (consumer / "alone.mjs").write_text(ALONE)
    assert run(node, "alone.mjs", cwd=consumer) == "Tea is.\n"
