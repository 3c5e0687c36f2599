"""The client module of streamed answers, in Node: order, gaps, repetitions, and a server that knows less or nothing."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parent / "answers_cases.mjs"

type Step = str | dict[str, Any]
type Play = Callable[..., dict[str, Any]]


@pytest.fixture
def play(node: str) -> Play:
    """Play the steps of a case, and return what the page got and what the server was asked."""

    def run(*steps: Step, since: int = 0, can_resume: bool = True) -> dict[str, Any]:
        case = json.dumps({"steps": steps, "since": since, "canResume": can_resume})
        done = subprocess.run([node, str(CASES), case], check=True, capture_output=True, text=True, timeout=60)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def text(seq: int) -> dict[str, Any]:
    return {"id": "a", "seq": seq, "kind": "text", "text": f"{seq} "}


def last(seq: int, kind: str = "done") -> dict[str, Any]:
    return {"id": "a", "seq": seq, "kind": kind}


def resumed(*pieces: dict[str, Any], **more: Any) -> dict[str, Any]:
    seq = pieces[-1]["seq"] if pieces else 0
    return {
        "result": {"state": "streaming", "recovered": True, "seq": seq, "text": None, "pieces": pieces} | more
    }


def shown(found: dict[str, Any]) -> list[str]:
    """Return what the page got: the texts, and the kinds of other pieces."""
    return [
        each if each == "ended" else (each["text"] or "null") if each["kind"] in ("text", "reset") else each["kind"]
        for each in found["got"]
    ]


@pytest.mark.parametrize(
    "order", [[1, 2, 3], [1, 3, 2], [3, 2, 1], [1, 1, 2, 2, 3], [2, 1, 3, 1]], ids=lambda order: str(order)
)
def test_pieces_are_given_in_order_and_once(play: Play, order: list[int]) -> None:
    found = play("stream", *map(text, order), last(4))
    assert shown(found) == ["1 ", "2 ", "3 ", "done", "ended"]


def test_pieces_that_came_before_anybody_asked_are_given(play: Play) -> None:
    assert shown(play(text(1), text(2), "stream", last(3))) == ["1 ", "2 ", "done", "ended"]


def test_missing_piece_is_fetched(play: Play) -> None:
    found = play("stream", text(1), resumed(text(2), text(3)), text(3), last(4))
    assert shown(found) == ["1 ", "2 ", "3 ", "done", "ended"]
    assert found["asked"][-1] == ["resumeAnswer", "a", 1]


def test_missing_piece_ends_the_answer_where_nothing_is_stored(play: Play) -> None:
    found = play("stream", text(1), text(3), can_resume=False)
    assert shown(found) == ["1 ", "error", "ended"]
    assert found["asked"] == []


def test_pieces_that_are_gone_are_replaced_by_the_whole_text(play: Play) -> None:
    found = play("stream", text(1), resumed(recovered=False, seq=3, text="1 2 3 "), text(3), text(4), last(5))
    assert shown(found) == ["1 ", "1 2 3 ", "4 ", "done", "ended"]


def test_what_is_left_follows_a_reset_without_text(play: Play) -> None:
    gone = resumed(text(8), last(9), recovered=False, state="done")
    assert shown(play(gone, "stream")) == ["null", "8 ", "done", "ended"]


def test_page_that_has_more_than_a_store_that_failed_keeps_it(play: Play) -> None:
    behind = resumed(recovered=False, seq=1, text="1 ")
    found = play("stream", text(1), text(2), text(3), behind, "resume", text(4), last(5))
    assert shown(found) == ["1 ", "2 ", "3 ", "4 ", "done", "ended"]


def test_end_reaches_a_page_that_has_more_than_a_store_that_failed(play: Play) -> None:
    behind = resumed(last(2, "error"), recovered=False, text="1 ", state="error")
    found = play("stream", text(1), text(2), text(3), behind, "resume")
    assert shown(found) == ["1 ", "2 ", "3 ", "error", "ended"]


def test_answer_that_has_begun_and_is_unknown_now_ends_with_an_error(play: Play) -> None:
    unknown = resumed(recovered=False, state="unknown")
    assert shown(play("stream", text(1), unknown, "resume")) == ["1 ", "error", "ended"]


def test_answer_that_has_not_begun_may_be_unknown(play: Play) -> None:
    unknown = resumed(recovered=False, state="unknown")
    assert shown(play(unknown, "stream", text(1), last(2))) == ["1 ", "done", "ended"]


def test_server_that_cannot_be_asked_loses_nothing(play: Play) -> None:
    found = play({"result": "fails"}, "stream", text(1), last(2))
    assert shown(found) == ["1 ", "done", "ended"]


@pytest.mark.parametrize("value", [None, 5, "text", {}, {"id": "a"}, {"id": "a", "seq": "1", "kind": "text"}])
def test_message_that_is_no_piece_is_ignored(play: Play, value: Any) -> None:
    assert shown(play("stream", {"value": value}, text(1), last(2))) == ["1 ", "done", "ended"]


def test_answer_goes_on_after_a_known_piece(play: Play) -> None:
    found = play("stream", text(3), last(4), since=2)
    assert found["asked"] == [["resumeAnswer", "a", 2]]
    assert shown(found) == ["3 ", "done", "ended"]
