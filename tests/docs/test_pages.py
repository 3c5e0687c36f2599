"""All pages of the documentation: links and commands lead somewhere, and every page has a test."""

import ast
import importlib
import json
import re
import shlex
import subprocess

import pytest

from signalr_local.cli import _parser
from tests.docs.pages import DOCS, ROOT, Block, Page, pages

PAGES = pages()
IDS = [page.path for page in PAGES]
# The reference shows signatures, which are no modules.
BLOCKS = [block for page in PAGES if page.path != "docs/api.md" for block in page.blocks]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

TESTS = {
    "README.md": "test_pages.py",
    "answers.md": "test_answers.py",
    "api.md": "test_api.py",
    "connections.md": "test_connections.py",
    "contract.md": "test_contract.py",
    "debugging.md": "test_debugging.py",
    "deployment-reference.md": "test_operations.py",
    "deployment.md": "test_operations.py",
    "doctor.md": "test_operations.py",
    "emulator.md": "test_emulator.py",
    "existing-app.md": "test_existing_app.py",
    "features.md": "test_features.py",
    "glossary.md": "test_glossary.py",
    "guide.md": "test_guide.py",
    "host.md": "test_host.py",
    "inspector.md": "test_inspector.py",
    "local-runtime.md": "test_local_runtime.py",
    "make-it-yours.md": "test_make_it_yours.py",
    "new-app.md": "test_new_app.py",
    "observability.md": "test_observability.py",
    "operate.md": "test_operations.py",
    "performance.md": "test_performance.py",
    "refresh.md": "test_refresh.py",
    "security.md": "test_security.py",
    "testing.md": "test_testing.py",
    "troubleshooting.md": "test_troubleshooting.py",
    "tutorial.md": "test_tutorial.py",
}
"""The test of each page in docs."""


def blocks(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def ids(found: list[Block]) -> list[str]:
    return [f"{block.page}-{block.line}" for block in found]


SHELL = [block for block in BLOCKS if block.is_shell]
PYTHON, JSON, SCRIPTS = blocks("python"), blocks("json"), blocks("js", "javascript")


def commands() -> list[str]:
    """Return every line of a shell block, and every piece of code in a text, without comments."""
    lines = [line for block in SHELL for line in block.text.replace("\\\n", " ").splitlines()]
    lines += [code for page in PAGES for code in page.code]
    return [re.sub(r"\s+[#>].*", "", line).strip() for line in lines]


def arguments_of_the_runtime() -> list[str]:
    start = r"(?:(?:\.venv/bin/)?signalr-local|(?:\.venv/bin/)?python3? -m signalr_local)"
    found = [re.fullmatch(rf"{start}(| .*)", line) for line in commands()]
    # In a text, the command can be named without its folder.
    return sorted({match[1].strip() for match in found if match} - {"new"})


def test_every_page_has_a_test() -> None:
    assert {path.name for path in DOCS.glob("*.md")} == set(TESTS)
    for page, test in TESTS.items():
        assert page.removesuffix(".md") in (ROOT / "tests" / "docs" / test).read_text(encoding="utf-8")


def test_index_leads_to_every_page() -> None:
    assert {link for link in Page("docs/README.md").links if "/" not in link} == set(TESTS) - {"README.md"}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_to_files_and_headings_that_exist(page: Page) -> None:
    wrong = []
    for link in page.links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page.path).parent / path if path else ROOT / page.path
        if not target.exists() or (
            anchor and anchor not in Page(str(target.resolve().relative_to(ROOT))).anchors
        ):
            wrong.append(link)
    assert wrong == []


@pytest.mark.parametrize("block", SHELL, ids=ids(SHELL))
def test_commands_parse(block: Block) -> None:
    done = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{block.text}"


@pytest.mark.parametrize("block", PYTHON, ids=ids(PYTHON))
def test_python_parses_and_imports_what_the_library_has(block: Block) -> None:
    tree = ast.parse(block.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            ("serverless_signalr", "signalr_local")
        ):
            module = importlib.import_module(str(node.module))
            assert [name.name for name in node.names if not hasattr(module, name.name)] == []


@pytest.mark.parametrize("block", JSON, ids=ids(JSON))
def test_json_is_json(block: Block) -> None:
    json.loads(block.text.partition("\n")[2] if block.name else block.text)


@pytest.mark.parametrize("block", SCRIPTS, ids=ids(SCRIPTS))
def test_javascript_parses(block: Block) -> None:
    done = subprocess.run(
        ["node", "--input-type=module", "--check", "-"],
        input=block.text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_target_of_make_exists() -> None:
    named = {found for line in commands() for found in re.findall(r"^make ((?!-)[a-z-]+)\b(?!=)", line)}
    assert named <= TARGETS
    assert {"run", "test", "test-app", "package"} <= named


@pytest.mark.parametrize("arguments", arguments_of_the_runtime())
def test_command_line_of_the_runtime_is_one_that_it_takes(arguments: str) -> None:
    words = [word for word in shlex.split(arguments) if word not in ("--help", "--version")]
    _parser().parse_args([word.replace("PORT", "7072") for word in words])


def test_picture_has_the_same_lines_in_light_and_dark() -> None:
    pictures = [
        (DOCS / "images" / f"message-{name}.svg").read_text(encoding="utf-8") for name in ("light", "dark")
    ]
    light, dark = (re.sub(r"<style>.*?</style>", "", picture, flags=re.DOTALL) for picture in pictures)
    assert light == dark
    assert pictures[0] != pictures[1]
