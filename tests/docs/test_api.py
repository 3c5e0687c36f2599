"""The API reference is what the script makes of the source."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import serverless_signalr
from serverless_signalr import testing
from signalr_local import testing as local_testing

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """Return the names of the script that writes the reference."""
    return runpy.run_path(str(Path(__file__).parent / "api_reference.py"))


def test_reference_is_up_to_date(script: dict[str, Any]) -> None:
    written = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert written == script["reference"](), "run scripts/api-reference"


def test_reference_describes_every_exported_name_and_nothing_else(script: dict[str, Any]) -> None:
    page: str = script["reference"]()
    headings = re.findall(r"^### (?:class )?(\w+)", page, flags=re.MULTILINE)
    # The decorators are the members of the base that apps and blueprints share.
    exported = [*serverless_signalr.__all__, *testing.__all__, *local_testing.__all__, "SignalRApi"]
    assert sorted(headings) == sorted(exported)


def test_every_class_function_and_method_is_described(script: dict[str, Any]) -> None:
    page: str = script["reference"]()
    bare = []
    for entry in re.split(r"^####? ", page, flags=re.MULTILINE)[1:]:
        heading, _, body = entry.partition("\n")
        text = re.sub(r"```python\n.*?\n```", "", body, flags=re.DOTALL).strip()
        # The name of a constant says what it is, or should.
        if not text and not heading.isidentifier():
            bare.append(heading)
    assert bare == []
