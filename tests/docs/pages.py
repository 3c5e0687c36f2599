"""The pages of the documentation, taken apart: blocks, links and headings."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_HEADING = re.compile(r"(#+) (.+)")
_FENCE = re.compile(r"```(\w*)$")
_FILE = re.compile(r"(?:#|//|<!--) ([\w./-]*\.\w+)(, continued|, in place of (\w+))?(?: -->)?$")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`\n]+`")


@dataclass(frozen=True)
class Block:
    """A block of code, the language it names, and the heading above it."""

    page: str
    language: str
    text: str
    heading: str
    line: int

    @property
    def name(self) -> str | None:
        """The file that the first line names."""
        found = _FILE.match(self.text.partition("\n")[0])
        return found[1] if found else None

    @property
    def is_shell(self) -> bool:
        return self.language in ("", "sh", "bash")

    def write(self, folder: Path) -> None:
        """Write the file that the block names: whole, behind what it has, or in place of a function."""
        first, _, text = self.text.partition("\n")
        found = _FILE.match(first)
        assert found, f"{self.page}:{self.line} does not name its file"
        path = folder / found[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        if found[3]:
            text = _replaced(path.read_text(encoding="utf-8"), found[3], text)
        elif found[2]:
            text = f"{path.read_text(encoding='utf-8')}\n\n{text}"
        path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Page:
    """A page by its path in the repository, such as ``docs/guide.md``."""

    path: str

    @property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[Block]:
        return list(self._blocks())

    @property
    def prose(self) -> str:
        """The text without its blocks."""
        return re.sub(r"^```\w*\n.*?^```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    @property
    def code(self) -> list[str]:
        """What the text has between backticks."""
        return [found.strip("`") for found in _CODE.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        return _LINK.findall(_CODE.sub("", self.prose)) + re.findall(r'(?:src|srcset)="([^"]+)"', self.prose)

    @property
    def anchors(self) -> set[str]:
        """The anchors that GitHub gives to the headings."""
        anchors: set[str] = set()
        for _, heading in _HEADING.findall(self.prose):
            anchor = re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-")
            number = sum(anchor == one or re.fullmatch(f"{anchor}-\\d+", one) is not None for one in anchors)
            anchors.add(f"{anchor}-{number}" if number else anchor)
        return anchors

    def _blocks(self) -> Iterator[Block]:
        heading = ""
        lines = enumerate(self.text.splitlines(), 1)
        for number, line in lines:
            if found := _HEADING.match(line):
                heading = found[2]
            elif fence := _FENCE.match(line):
                block = []
                for _, inside in lines:
                    if inside == "```":
                        break
                    block.append(inside)
                yield Block(self.path, fence[1], "\n".join(block) + "\n", heading, number)


def pages() -> list[Page]:
    """Return every page that people read, in the repository's root, in docs and beside the code."""
    found = {
        *ROOT.glob("*.md"),
        *DOCS.glob("*.md"),
        *(ROOT / name / "README.md" for name in ("examples", "web", "serverless_signalr", "signalr_local")),
    }
    return [Page(str(path.relative_to(ROOT))) for path in sorted(found) if path.exists()]


def _replaced(source: str, name: str, text: str) -> str:
    """Return a module with another text in place of one of its functions."""
    [function] = [node for node in ast.parse(source).body if getattr(node, "name", None) == name]
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    lines = source.splitlines(keepends=True)
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return "".join([*lines[: first - 1], text, *lines[function.end_lineno :]])
