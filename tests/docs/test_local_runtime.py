"""docs/local-runtime.md: the settings, times and folders that it names are those of the runtime."""

import re

import pytest

from signalr_local.host import supervisor, watcher, worker
from tests.docs.pages import ROOT, Page

PAGE = Page("docs/local-runtime.md")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for package in ("signalr_local", "serverless_signalr")
    for path in (ROOT / package).rglob("*.py")
)


@pytest.mark.parametrize(
    "name", sorted({code for code in PAGE.code if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", code)})
)
def test_setting_is_one_that_the_runtime_reads(name: str) -> None:
    assert name in SOURCES


def test_folders_that_are_no_part_of_the_app_are_those_that_are_not_watched() -> None:
    [sentence] = re.findall(r"Its folder .*? are not part of it,", PAGE.text)
    assert set(re.findall(r"`(\w+)`", sentence)) == watcher._TESTS


def test_times_are_those_of_the_runtime() -> None:
    assert "what the old one runs has two seconds to finish" in PAGE.text
    assert supervisor._GRACE == 2.0
    assert "After five seconds the log names the line" in PAGE.text
    assert worker._PATIENCE == 5.0
    assert "the files are checked once a second" in PAGE.text
    assert watcher._POLL == 1.0
