"""The queue of an answer: how what was written becomes numbered pieces."""

import pytest

from serverless_signalr._answers.pieces import PieceKind
from serverless_signalr._answers.queue import PieceQueue

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.fixture
def queue() -> PieceQueue:
    return PieceQueue("a1")


def taken(queue: PieceQueue, *, is_final: bool = False) -> list[tuple[int, str, str | None]]:
    return [(piece.seq, piece.kind.value, piece.text) for piece in queue.take(is_final=is_final)]


def test_text_is_rolled_up(queue: PieceQueue) -> None:
    queue.add_text("Hel")
    queue.add_text("lo.")
    assert taken(queue, is_final=True) == [(1, "text", "Hello.")]


def test_other_kinds_part_the_text_and_keep_its_order(queue: PieceQueue) -> None:
    queue.add_text("one")
    queue.add(PieceKind.STATUS, "Searching…", None)
    queue.add_text("two")
    assert taken(queue, is_final=True) == [
        (1, "text", "one"),
        (2, "status", "Searching…"),
        (3, "text", "two"),
    ]


def test_numbers_go_on_without_gaps(queue: PieceQueue) -> None:
    queue.add_text("one")
    assert taken(queue, is_final=True) == [(1, "text", "one")]
    assert taken(queue, is_final=True) == []
    queue.add(PieceKind.DONE, None, None)
    assert taken(queue, is_final=True) == [(2, "done", None)]


def test_size_is_the_text_that_has_not_been_taken(queue: PieceQueue) -> None:
    queue.add_text("12345")
    queue.add(PieceKind.STATUS, "not counted", None)
    assert queue.size == 5
    queue.take(is_final=True)
    assert queue.size == 0


def test_first_piece_is_taken_whole(queue: PieceQueue) -> None:
    queue.add_text("👍")
    assert taken(queue) == [(1, "text", "👍")]


def test_character_that_may_grow_is_kept_back_until_it_has_grown(queue: PieceQueue) -> None:
    queue.add_text("a")
    queue.take(is_final=False)
    queue.add_text("b👍")
    assert taken(queue) == [(2, "text", "b")]
    assert queue.size == len("👍")
    queue.add_text("🏽c")
    assert taken(queue) == [(3, "text", "👍🏽")]


def test_character_that_did_not_grow_is_taken_next_time(queue: PieceQueue) -> None:
    queue.add_text("a")
    queue.take(is_final=False)
    queue.add_text("b👍")
    queue.take(is_final=False)
    assert queue.has_more()
    assert taken(queue) == [(3, "text", "👍")]
    assert not queue.has_more()


def test_nothing_is_kept_back_at_the_end(queue: PieceQueue) -> None:
    queue.add_text("a")
    queue.take(is_final=False)
    queue.add_text("b👍")
    assert taken(queue, is_final=True) == [(2, "text", "b👍")]


def test_queue_has_more_where_something_was_added(queue: PieceQueue) -> None:
    assert not queue.has_more()
    queue.add(PieceKind.STATUS, "…", None)
    assert queue.has_more()


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "日本 " * 30_000, FAMILY * 20_000], ids=["x", "words", "families"]
)
def test_long_text_becomes_pieces_that_a_message_can_carry(queue: PieceQueue, text: str) -> None:
    queue.add_text(text)
    texts = [each[2] or "" for each in taken(queue, is_final=True)]
    assert "".join(texts) == text
    assert max(map(len, texts)) <= 32 * 1024
    assert len(texts) == -(-len(text) // (32 * 1024 - 4))
    assert not any(each.startswith("\u200d") or each.endswith("\u200d") for each in texts)
