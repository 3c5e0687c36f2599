"""What docs/answers.md shows runs, and what it says of defaults is so."""

import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import AnswerPiece, MemoryAnswerStore, PieceKind, resume_answer, stream_answer
from serverless_signalr._answers import answer, log, resuming
from serverless_signalr._answers.pieces import MAX_TEXT
from tests.serverless_signalr.rest_service import Service

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Load the app of the page as a developer's machine does."""
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    monkeypatch.setenv("WEBSITE_HOSTNAME", "localhost:7071")
    [block] = re.findall(r"```python\n(# function_app\.py.*?)```", TEXT, re.DOTALL)
    path = tmp_path / "answers_of_docs.py"
    path.write_text(block, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("answers_of_docs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["answers_of_docs"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["answers_of_docs"]


async def test_app_streams_its_answer(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await Service().start()
    monkeypatch.setenv("AzureSignalRConnectionString", service.connection_string)
    functions = {each.get_function_name(): each for each in app.app.get_functions()}
    request = func.HttpRequest("POST", "/api/questions/a", route_params={"id": "a"}, body=b"")
    response = await functions["ask"].get_user_function()(req=request)
    await service.stop()
    sent = [(received.path, json.loads(received.body)) for received in service.requests]
    assert response.status_code == 204
    assert {path for path, _ in sent} == {"/api/hubs/assistant/users/ann/:send"}
    assert {body["target"] for _, body in sent} == {"answerPiece"}
    assert [body["arguments"][0]["kind"] for _, body in sent] == ["text", "done"]
    found = await resume_answer(app.store, "a", "ann", 0)
    assert found["pieces"][0]["text"].strip() == "Tea is a drink made from leaves."


def test_every_kind_is_in_the_table() -> None:
    assert re.findall(r"^\| `(\w+)` \| ", TEXT, re.MULTILINE)[1:8] == [
        kind.value
        for kind in (
            PieceKind.TEXT,
            PieceKind.STATUS,
            PieceKind.TOOL_CALL,
            PieceKind.CITATION,
            PieceKind.DONE,
            PieceKind.ERROR,
            PieceKind.CANCELLED,
        )
    ]


def test_defaults_are_those_of_the_code() -> None:
    streamed = {name: each.default for name, each in inspect.signature(stream_answer).parameters.items()}
    kept = {name: each.default for name, each in inspect.signature(MemoryAnswerStore).parameters.items()}
    assert streamed["every"].total_seconds() == 0.1
    assert f"when {streamed['max_piece']:,} characters wait" in TEXT
    assert f"After {streamed['patience'].total_seconds():.0f} seconds (`patience=`)" in TEXT
    assert f"expires {kept['ttl'].total_seconds() / 60:.0f} minutes after its last piece" in TEXT
    assert f"at most {kept['max_bytes'] // 1024} KB are kept" in TEXT
    assert f"up to {kept['max_total_bytes'] // 1024**2} MB (`max_total_bytes=`)" in TEXT
    assert f"No piece has more than {MAX_TEXT:,} characters" in TEXT
    assert f"does not respond within {log._PATIENCE:.0f} seconds" in TEXT
    assert f"could not be stored, up to {log._MAX_UNSAVED // 1024} KB," in TEXT
    assert f"When {answer._MAX_PENDING:,} characters wait, `write` waits" in TEXT
    assert f"after {answer._HEARTBEAT:.0f} seconds of silence" in TEXT
    assert f"{resuming._SILENCE:.0f} seconds after its last sign of life" in TEXT


def test_members_of_a_piece_are_those_on_the_wire() -> None:
    members = AnswerPiece("a", 1, PieceKind.STATUS, "text", {}).to_dict()
    assert "{" + ", ".join(f'"{name}": …' for name in members) + "}" in TEXT


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_linked_file_is_there(path: str) -> None:
    assert (ROOT / "docs" / path).exists()
