"""Pieces on the wire, and the ids of answers."""

import pytest

from serverless_signalr._answers.pieces import AnswerPiece, PieceKind, check_answer_id


def test_piece_carries_only_what_it_has() -> None:
    assert AnswerPiece("a", 1, PieceKind.TEXT, "hi").to_dict() == {
        "id": "a",
        "seq": 1,
        "kind": "text",
        "text": "hi",
    }
    assert AnswerPiece("a", 2, PieceKind.TOOL_CALL, data={"name": "look"}).to_dict() == {
        "id": "a",
        "seq": 2,
        "kind": "toolCall",
        "data": {"name": "look"},
    }


def test_done_error_and_cancelled_are_the_last_pieces() -> None:
    assert {kind for kind in PieceKind if kind.is_last} == {
        PieceKind.DONE,
        PieceKind.ERROR,
        PieceKind.CANCELLED,
    }


@pytest.mark.parametrize("answer_id", ["", "a" * 65, "a/b", "a b", "ä", "a'", "a\n", 5, None])
def test_id_that_a_store_could_not_keep_is_refused(answer_id: object) -> None:
    with pytest.raises(ValueError, match="the answer id is"):
        check_answer_id(answer_id)
