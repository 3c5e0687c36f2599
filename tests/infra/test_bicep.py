"""The Bicep files are well-formed and fit together, as far as that can be seen without a compiler."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

INFRA = Path(__file__).parents[2] / "infra"
FILES = sorted(path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicep"))

FUNCTIONS = {
    *(
        "empty",
        "environment",
        "fail",
        "filter",
        "guid",
        "join",
        "listKeys",
        "loadJsonContent",
        "loadTextContent",
    ),
    *(
        "map",
        "replace",
        "resourceGroup",
        "resourceId",
        "split",
        "subscription",
        "subscriptionResourceId",
        "tenant",
        "toLower",
    ),
    *("trim", "union", "uniqueString"),
}
"""What is called in the files. A new one is looked up in Microsoft's reference before it is added."""


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest) -> str:
    """Return each file's path below infra/."""
    return str(request.param)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def syntax(file: str) -> Node:
    return Parser(Language(tree_sitter_bicep.language())).parse((INFRA / file).read_bytes()).root_node


def text(node: Node | None) -> str:
    assert node is not None
    assert node.text is not None
    return node.text.decode()


def declared(tree: Any) -> set[str]:
    return {
        name for kind in ("parameters", "variables", "resources", "modules") for name in tree.get(kind, {})
    }


def mentioned(root: Node) -> Counter[str]:
    """Count the names that are read: not those that are declared, nor the keys of objects."""
    found: Counter[str] = Counter()
    for node in nodes(root):
        if node.type != "identifier" or node.parent is None:
            continue
        if node.parent.type == "decorator" or "decorator" in {parent.type for parent in parents(node)}:
            continue
        is_name = node.parent.type.endswith("_declaration") or node.parent.type == "object_property"
        if not is_name or node != node.parent.named_children[0]:
            found[text(node)] += 1
    return found


def parents(node: Node) -> Iterator[Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def lambda_variables(root: Node) -> set[str]:
    """Return the names that a lambda or a loop gives to its items."""
    kinds = ("lambda_expression", "for_statement")
    return {text(node.named_children[0]) for node in nodes(root) if node.type in kinds}


def test_the_syntax_is_right(file: str) -> None:
    wrong = [
        (node.start_point.row + 1, text(node))
        for node in nodes(syntax(file))
        if node.type == "ERROR" or node.is_missing
    ]
    assert wrong == []


def test_every_name_that_is_read_is_declared(file: str, trees: dict[str, Any]) -> None:
    root = syntax(file)
    known = declared(trees[file]) | lambda_variables(root) | FUNCTIONS
    assert set(mentioned(root)) - known == set()


def test_every_parameter_and_variable_is_read(file: str, trees: dict[str, Any]) -> None:
    tree, used = trees[file], mentioned(syntax(file))
    names = [*tree.get("parameters", {}), *tree.get("variables", {})]
    assert [name for name in names if not used[name]] == []


def test_modules_get_the_parameters_that_they_declare(file: str, trees: dict[str, Any]) -> None:
    for name, module in trees[file].get("modules", {}).items():
        path = Path(file).parent / module["detail"]["path"]
        parameters = trees[path.as_posix()].get("parameters", {})
        config = module["config"]
        given = set(config.get("config", config)["params"])
        required = {key for key, parameter in parameters.items() if parameter["default"] is None}
        assert given <= set(parameters), name
        assert required <= given, name


def test_outputs_that_are_read_exist(file: str, trees: dict[str, Any]) -> None:
    source = (INFRA / file).read_text()
    for module, output in re.findall(r"(\w+)\.outputs\.(\w+)", source):
        path = Path(file).parent / trees[file]["modules"][module]["detail"]["path"]
        assert output in trees[path.as_posix()]["outputs"], f"{module}.outputs.{output}"


def test_outputs_of_modules_are_read(trees: dict[str, Any]) -> None:
    read = set(re.findall(r"outputs\.(\w+)", (INFRA / "main.bicep").read_text()))
    for file, tree in trees.items():
        if file != "main.bicep":
            assert set(tree.get("outputs", {})) <= read, file


def test_files_that_are_loaded_exist(file: str) -> None:
    for name in re.findall(r"load\w+Content\('([^']+)'\)", (INFRA / file).read_text()):
        assert (INFRA / file).with_name(name).is_file()


def test_every_file_is_deployed(trees: dict[str, Any]) -> None:
    used = {
        (Path(file).parent / module["detail"]["path"]).as_posix()
        for file, tree in trees.items()
        for module in tree.get("modules", {}).values()
    }
    assert used | {"main.bicep"} == set(trees)


def test_abbreviations_are_used_and_known() -> None:
    source = (INFRA / "main.bicep").read_text()
    names = set(re.findall(r'"(\w+)":', (INFRA / "abbreviations.json").read_text()))
    assert set(re.findall(r"\$\{abbreviations\.(\w+)\}", source)) == names


def test_children_stand_beside_their_parents(file: str) -> None:
    # pycep, and the type check with it, sees only one child of those that stand inside.
    inside = [
        text(node.named_children[0])
        for node in nodes(syntax(file))
        if node.type == "resource_declaration"
        and node.parent is not None
        and node.parent.type == "object_property"
    ]
    assert inside == []
