"""docs/debugging.md shows the configuration that the editor gets, and quotes what the runtime says."""

import json
import re
from typing import Any

import pytest

from signalr_local.host_options import _DEBUG_PORT
from signalr_local.worker import debugger
from tests.docs.pages import ROOT, Page

PAGE = Page("docs/debugging.md")
NEW = "signalr_local/new/template/common/dot-vscode/launch.json"


def configurations(text: str) -> Any:
    found = json.loads(re.sub(r"^// .*\n", "", text))["configurations"]
    return [{name: value for name, value in one.items() if name != "name"} for one in found]


@pytest.mark.parametrize("path", [".vscode/launch.json", NEW], ids=["repository", "new app"])
def test_editor_has_the_configuration_that_the_page_shows(path: str) -> None:
    [shown] = [block for block in PAGE.blocks if block.name == ".vscode/launch.json"]
    there = configurations((ROOT / path).read_text(encoding="utf-8"))
    assert there == configurations(shown.text)
    assert there[1]["connect"]["port"] == _DEBUG_PORT


def test_port_of_the_page_is_the_default_one() -> None:
    assert f"A debugger can attach to 127.0.0.1:{_DEBUG_PORT}." in PAGE.code


def test_skipped_breakpoint_is_quoted_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    debugger._skip()
    said = re.sub(r"in \S+, line \d+,", "in FILE, line N,", capsys.readouterr().err)
    [quote] = [block.text for block in PAGE.blocks if block.language == "text"]
    assert re.sub(r"in \S+, line \d+,", "in FILE, line N,", quote) == said
