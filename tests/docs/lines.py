"""The command lines of all pages: those of their shell blocks, and those between backticks in a text."""

import re
import shlex
from dataclasses import dataclass

from tests.docs.pages import Page, pages
from tests.docs.stand_ins import table

PROGRAM = re.compile(
    r"(?:[A-Z_]+=\S+ )*"
    r"(?:make|pip|npm|git|curl|python3?|signalr-local|(?:\.venv/bin|scripts|infra/scripts)/[\w.-]+)(?: |$)"
)
"""What the code in a text begins with if it is a command line."""


@dataclass(frozen=True)
class Line:
    """A command line, and the page that shows it."""

    page: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"

    @property
    def program(self) -> str:
        """The command, without variables before it and without its folder."""
        first = next((word for word in self.words if not re.match(r"[A-Za-z_]+=", word)), "")
        return first.removeprefix(".venv/bin/")

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)


def _is_whole(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True


def _statements(text: str) -> list[str]:
    """Return the commands of a block, each with all its lines."""
    found: list[str] = []
    waiting = ""
    for line in text.replace("\\\n", " ").splitlines():
        waiting = f"{waiting}\n{line}" if waiting else line
        if not _is_whole(waiting):
            continue
        if waiting.strip() and not waiting.startswith("#"):
            found.append(waiting.strip())
        waiting = ""
    assert not waiting, f"a command does not end: {waiting}"
    return found


def in_blocks(page: Page) -> list[Line]:
    """Return the command lines of the shell blocks."""
    return [
        Line(page.path, text) for block in page.blocks if block.is_shell for text in _statements(block.text)
    ]


def in_text(page: Page) -> list[Line]:
    """Return the command lines between backticks. A mere name of a command is none."""
    others = rf"(?:{'|'.join(table())}) [a-z]"
    return [Line(page.path, text) for text in page.code if PROGRAM.match(text) or re.match(others, text)]


SCRIPTS = ("docs/deployment.md", "docs/operate.md")
"""Pages whose blocks make one script, which runs from top to bottom: see test_azure_commands.py."""


def all_lines() -> list[Line]:
    """Return the command lines of all pages but the changelog, which tells what was, once each."""
    found = []
    for page in pages():
        if page.path not in SCRIPTS:
            found += in_blocks(page)
        if page.path != "CHANGELOG.md":
            found += in_text(page)
    # One that only has another comment behind it is the same.
    return list({re.sub(r"\s+#.*", "", line.text).strip(): line for line in found}.values())
