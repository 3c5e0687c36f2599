"""The rows of pieces: the limits of the table service hold for every piece that an answer can have."""

import json

import pytest

from serverless_signalr._answers.pieces import MAX_SENTENCE, MAX_TEXT, AnswerPiece, PieceKind
from serverless_signalr._answers.table_rows import MAX_OPERATIONS, chunks_of, key_of, piece_of, row_of

PROPERTY = 64 * 1024
ENTITY = 1024 * 1024
TRANSACTION = 4 * 1024 * 1024

LARGEST = [
    AnswerPiece("a" * 64, 999, PieceKind.TEXT, "x" * MAX_TEXT),
    AnswerPiece("a" * 64, 999, PieceKind.TEXT, "\0" * MAX_TEXT),
    AnswerPiece("a" * 64, 999, PieceKind.TEXT, "\U0001f600" * MAX_TEXT),
    AnswerPiece("a" * 64, 999, PieceKind.STATUS, "\n" * MAX_SENTENCE),
    AnswerPiece("a" * 64, 999, PieceKind.TOOL_CALL, data={"arguments": "\0" * (64 * 1024)}),
    AnswerPiece("a" * 64, 999, PieceKind.CITATION, data={str(key): key for key in range(8_000)}),
]
IDS = ["ascii", "control", "emoji", "status", "tool call", "citation"]


@pytest.mark.parametrize("piece", LARGEST, ids=IDS)
def test_largest_piece_stays_within_the_limits_of_a_row(piece: AnswerPiece) -> None:
    row = row_of(piece)
    sizes = [len(str(value).encode("utf-16-le")) for value in row.values()]
    assert max(sizes) <= PROPERTY
    assert sum(sizes) + sum(2 * len(name) for name in row) <= ENTITY
    assert len(row) <= 252
    assert piece_of(piece.answer_id, row) == piece


@pytest.mark.parametrize("piece", LARGEST, ids=IDS)
def test_transaction_of_the_largest_pieces_stays_within_its_limits(piece: AnswerPiece) -> None:
    pieces = [piece] * 200
    chunks = chunks_of(pieces, 100 * 1024 * 1024)
    assert [each for chunk in chunks for each in chunk] == pieces
    assert max(len(chunk) for chunk in chunks) <= MAX_OPERATIONS // 2
    assert max(len(json.dumps([row_of(each) for each in chunk])) for chunk in chunks) <= TRANSACTION


def test_order_of_keys_is_that_of_the_pieces() -> None:
    keys = [key_of(seq) for seq in (1, 9, 10, 99, 100, 99_999_999)]
    assert keys == sorted(keys)


def test_nothing_is_one_empty_transaction() -> None:
    assert chunks_of([], 1000) == [[]]


def test_pieces_that_would_be_deleted_at_once_are_left_out() -> None:
    pieces = [AnswerPiece("a", seq, PieceKind.TEXT, "x" * 36) for seq in range(1, 31)]
    [chunk] = chunks_of(pieces, 1000)
    assert [piece.seq for piece in chunk] == list(range(21, 31))
    assert chunks_of(pieces[:1], 1) == [pieces[:1]]
