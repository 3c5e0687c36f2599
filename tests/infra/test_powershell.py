"""The hooks for Windows say and ask for what the others do. They are parsed here, not run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

SCRIPTS = Path(__file__).parents[2] / "infra" / "scripts"
NAMES = ["azure", "postdeploy", "prepackage", "preprovision"]


def source(name: str, suffix: str) -> str:
    """Return a script and what it shares with the others, without its comments."""
    text = "".join((SCRIPTS / f"{part}.{suffix}").read_text() for part in ("azure", name))
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


@pytest.mark.parametrize("name", NAMES)
def test_the_syntax_is_right(name: str) -> None:
    content = (SCRIPTS / f"{name}.ps1").read_bytes()
    root = Parser(Language(tree_sitter_powershell.language())).parse(content).root_node
    assert [node.start_point.row + 1 for node in nodes(root) if node.type == "ERROR" or node.is_missing] == []


@pytest.mark.parametrize("name", ["postdeploy", "preprovision"])
class TestBothSay:
    def test_the_same_to_the_cloud(self, name: str) -> None:
        command = (
            r"\b(account show|resource list --tag|functionapp keys list|rest --method \w+|azd env set \w+)"
        )
        assert set(re.findall(command, source(name, "ps1"))) == set(re.findall(command, source(name, "sh")))

    def test_the_same_about_the_environment(self, name: str) -> None:
        variable = r"\b(?:AZURE|SIGNALR|SERVICE|HOST|USE|VNET|ALLOWED)_[A-Z_]+\b"
        assert set(re.findall(variable, source(name, "ps1"))) == set(re.findall(variable, source(name, "sh")))

    def test_the_same_advice(self, name: str) -> None:
        roles = r"\b(?:Website|SignalR/Web PubSub) Contributor"
        advice = rf"{roles}|azd env set \w+ \w+|azd deploy|az login|az functionapp keys set [\w -]+"
        assert set(re.findall(advice, source(name, "ps1"))) == set(re.findall(advice, source(name, "sh")))

    def test_the_same_address(self, name: str) -> None:
        address = r"/runtime/webhooks/signalr\?code=|/providers/[\w./]+/signalR/|api-version=[\d-]+"
        assert set(re.findall(address, source(name, "ps1"))) == set(re.findall(address, source(name, "sh")))
