"""docs/inspector.md lists every kind of event and every parameter, and quotes what the page says."""

import argparse
import json
import re
from typing import Any

from signalr_local.host_options import add_host_options
from signalr_local.inspector import journal
from tests.docs.pages import ROOT, Page

PAGE = Page("docs/inspector.md")
SCHEMA: dict[str, Any] = json.loads((ROOT / "signalr_local/inspector/events.schema.json").read_text())
EXPLAINED = (ROOT / "tests/browser/test_inspector.py").read_text()


def rows(head: str) -> list[str]:
    """Return the first cells of a table."""
    _, _, rest = PAGE.text.partition(f"{head}\n")
    lines = rest.splitlines()[1:]
    return [line.split("|")[1].strip() for line in lines[: lines.index("")]]


def test_every_kind_of_event_is_listed() -> None:
    assert rows("| kind | when |") == [f"`{kind}`" for kind in SCHEMA["$defs"]]
    assert list(SCHEMA["$defs"]) == SCHEMA["properties"]["kind"]["enum"]


def test_every_parameter_is_one_that_the_stream_reads() -> None:
    code = (ROOT / "signalr_local/inspector/stream.py").read_text()
    names = {cell.strip("`").partition("=")[0] for cell in rows("| parameter | means |")}
    assert names == set(re.findall(r'query\.get\("(\w+)"', code)) | {"token"}


def test_numbers_of_the_page_are_those_of_the_journal() -> None:
    size = journal._MAX_BYTES >> 20
    assert f"The last {journal.MAX_EVENTS:,} events are kept, in at most {size} MiB" in PAGE.text


def test_what_is_explained_is_what_the_browser_was_seen_to_explain() -> None:
    section = PAGE.text.partition("## What it explains")[2].partition("\n## ")[0]
    assert len(rows("| what is wrong | what the timeline says |")) == 10
    seen = re.findall(r'explains\(\s*"([^"]+)"', EXPLAINED)
    # Two of the texts are those of the test's own app.
    assert len(seen) - len([text for text in seen if text in section]) == 2


def test_options_are_there() -> None:
    parser = argparse.ArgumentParser()
    add_host_options(parser)
    lines = [line for block in PAGE.blocks for line in block.text.splitlines()]
    commands = [line.split()[1:] for line in lines if line.startswith("signalr-local")]
    assert commands
    for arguments in commands:
        parser.parse_args(arguments)
