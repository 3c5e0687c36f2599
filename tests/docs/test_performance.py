"""docs/performance.md is about measurements that exist."""

import re

from tests.docs.pages import ROOT, Page

PAGE = Page("docs/performance.md")


def test_every_measurement_that_is_named_exists() -> None:
    named = {name for line in re.findall(r'ARGS="([^"]+)"', PAGE.text) for name in line.split()}
    assert named
    assert [name for name in named if not (ROOT / "bench" / f"{name}.py").exists()] == []


def test_every_file_that_is_named_exists() -> None:
    named = {code for code in PAGE.code if re.fullmatch(r"(bench|tests|docs)/[\w./-]+\.\w+", code)}
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_table_has_a_floor_a_peer_or_a_ratio() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", PAGE.text, re.MULTILINE)
    assert tables
    assert [
        table[:60] for table in tables if not re.search(r"floor|ratio|than|Node|PyJWT|azure|requests", table)
    ] == []
