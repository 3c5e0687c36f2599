"""docs/new-app.md has the options of ``signalr-local new``, and the wheels that it makes."""

import argparse
import re

from signalr_local.new.options import add_parser
from tests.docs.pages import ROOT, Page

PAGE = Page("docs/new-app.md")


def test_every_option_is_in_the_table() -> None:
    parser = add_parser(argparse.ArgumentParser().add_subparsers())
    known = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    rows = "\n".join(line for line in PAGE.text.splitlines() if line.startswith("| `--"))
    assert set(re.findall(r"`(--[a-z]+)", rows)) == known - {"--help"}


def test_wheels_are_those_that_are_built() -> None:
    version = re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    assert set(re.findall(r"serverless_signalr(?:_local)?-([\d.]+)-py3", PAGE.text)) == {version}
