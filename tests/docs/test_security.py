"""docs/security.md: what it says of entry points, names and limits is so."""

import json
import re

import pytest

import function_app
import serverless_signalr
from serverless_signalr._testing.functions import functions_of
from serverless_signalr.protocol.upstream import UpstreamEvent
from tests.docs.pages import ROOT, Page

PAGE = Page("docs/security.md")


def test_functions_without_a_key_are_those_of_the_table() -> None:
    anonymous = {
        f"{method} /api/{one['route']}"
        for function in functions_of(function_app.app).all
        for one in map(json.loads, function.get_raw_bindings())
        if one["type"] == "httpTrigger" and one["authLevel"] == "ANONYMOUS"
        for method in one["methods"]
    }
    rows = re.findall(r"^\| `((?:GET|POST) [^`]+)` \| everybody \|", PAGE.text, re.MULTILINE)
    assert set(rows) == anonymous


def test_signature_covers_the_connection_id_and_nothing_else() -> None:
    one = UpstreamEvent("chat", "messages", "echo", "c1").headers(["k" * 44])
    other = UpstreamEvent("chat", "messages", "leave", "c1", claims={"role": ("x",)}).headers(["k" * 44])
    elsewhere = UpstreamEvent("chat", "messages", "echo", "c2").headers(["k" * 44])
    assert one["X-ASRS-Signature"] == other["X-ASRS-Signature"] != elsewhere["X-ASRS-Signature"]


@pytest.mark.parametrize(
    "path", sorted({code for code in PAGE.code if re.match(r"(tests|blueprints|docs)/", code)})
)
def test_file_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_names_of_the_library_exist() -> None:
    named = {code.partition("(")[0].removeprefix("@") for code in PAGE.code}
    classes = {
        name.partition(".")[0] for name in named if re.match(r"(SignalR|Serverless|Principal|Hub)\w*", name)
    }
    assert classes
    assert [name for name in classes if not hasattr(serverless_signalr, name)] == []
