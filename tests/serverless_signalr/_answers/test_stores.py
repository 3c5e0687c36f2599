"""The states of stored answers, and what is shown of them."""

import pytest

from serverless_signalr._answers.pieces import AnswerPiece, PieceKind
from serverless_signalr._answers.stores import AnswerState, StoredAnswer


@pytest.mark.parametrize(
    ("state", "has_ended"),
    [
        (AnswerState.STREAMING, False),
        (AnswerState.CANCELLING, False),
        (AnswerState.DONE, True),
        (AnswerState.ERROR, True),
        (AnswerState.CANCELLED, True),
    ],
)
def test_answer_that_is_asked_to_stop_has_not_ended(state: AnswerState, has_ended: bool) -> None:
    assert state.has_ended is has_ended


def test_every_last_piece_has_a_state_in_which_an_answer_has_ended() -> None:
    last = {kind.value for kind in PieceKind if kind.is_last}
    assert last == {state.value for state in AnswerState if state.has_ended}


def test_stored_answer_does_not_show_what_it_says() -> None:
    pieces = [AnswerPiece("a1", 1, PieceKind.TEXT, "confidential")]
    answer = StoredAnswer("a1", "ann", None, AnswerState.DONE, 1, 0.0, "v1", pieces, "confidential")
    assert "confidential" not in repr(answer)
