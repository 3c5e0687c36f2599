"""The stored side of an answer: what a store that fails, or knows better, makes of it."""

import asyncio
from collections.abc import Sequence

import pytest

from serverless_signalr._answers.log import AnswerLog
from serverless_signalr._answers.memory import MemoryAnswerStore
from serverless_signalr._answers.pieces import AnswerPiece, PieceKind
from serverless_signalr._answers.stores import AnswerState, StoredAnswer
from tests.serverless_signalr._answers.streams import FakeClock

STREAMING, CANCELLING, DONE, ERROR = (
    AnswerState.STREAMING,
    AnswerState.CANCELLING,
    AnswerState.DONE,
    AnswerState.ERROR,
)


def piece(number: int, text: str = "x") -> AnswerPiece:
    return AnswerPiece("a1", number, PieceKind.TEXT, text)


class Unreliable:
    """A store whose next writes fail, before or after they have been done, or never return."""

    def __init__(self, store: MemoryAnswerStore) -> None:
        self._store = store
        self.failures: list[str] = []

    async def create(self, answer_id: str, owner: str, audience: str | None) -> object:
        return await self._store.create(answer_id, owner, audience)

    async def append(
        self, answer_id: str, version: object, pieces: Sequence[AnswerPiece], state: AnswerState
    ) -> object:
        failure = self.failures.pop(0) if self.failures else None
        if failure == "before":
            raise OSError("the store is away")
        if failure == "never":
            await asyncio.Event().wait()
        written = await self._store.append(answer_id, version, pieces, state)
        if failure == "after":
            raise OSError("the response was lost")
        return written

    async def read(self, answer_id: str, since: int = 0) -> StoredAnswer | None:
        return await self._store.read(answer_id, since)


@pytest.fixture
def unreliable(store: MemoryAnswerStore) -> Unreliable:
    return Unreliable(store)


@pytest.fixture
async def log(unreliable: Unreliable, time: FakeClock) -> AnswerLog:
    return AnswerLog(unreliable, "a1", await unreliable.create("a1", "ann", None), time)


async def stored(store: MemoryAnswerStore) -> tuple[AnswerState, list[int]]:
    found = await store.read("a1")
    assert found is not None
    return found.state, [each.seq for each in found.pieces]


async def test_pieces_and_the_state_are_stored(log: AnswerLog, store: MemoryAnswerStore) -> None:
    assert await log.save([piece(1)], STREAMING) is STREAMING
    assert await log.save([piece(2)], DONE) is DONE
    assert await stored(store) == (DONE, [1, 2])


@pytest.mark.parametrize("failure", ["before", "after"])
async def test_pieces_of_a_write_that_failed_are_stored_once_with_the_next(
    log: AnswerLog, unreliable: Unreliable, store: MemoryAnswerStore, failure: str
) -> None:
    unreliable.failures = [failure]
    assert await log.save([piece(1)], STREAMING) is STREAMING
    assert await log.save([piece(2)], STREAMING) is STREAMING
    assert await stored(store) == (STREAMING, [1, 2])


async def test_store_that_fails_is_logged_once_until_it_works_again(
    log: AnswerLog, unreliable: Unreliable, caplog: pytest.LogCaptureFixture
) -> None:
    unreliable.failures = ["before"] * 3
    for number in range(1, 4):
        await log.save([piece(number)], STREAMING)
    assert [record.getMessage() for record in caplog.records] == [
        "the answer a1 could not be stored, it goes on: the store is away"
    ]
    await log.save([], STREAMING)
    unreliable.failures = ["before"]
    await log.save([piece(4)], STREAMING)
    assert len(caplog.records) == 2


async def test_what_waits_for_the_store_is_limited(
    log: AnswerLog, unreliable: Unreliable, store: MemoryAnswerStore
) -> None:
    unreliable.failures = ["before"] * 3
    for number in range(1, 4):
        await log.save([piece(number, "x" * 100 * 1024)], STREAMING)
    await log.save([], STREAMING)
    assert (await stored(store))[1] == [2, 3]


async def test_answer_that_was_asked_to_stop_says_so_and_stores_nothing(
    log: AnswerLog, store: MemoryAnswerStore
) -> None:
    found = await store.read("a1")
    assert found is not None
    await store.append("a1", found.version, [], CANCELLING)
    assert await log.save([piece(1)], STREAMING) is CANCELLING
    assert await stored(store) == (CANCELLING, [])
    assert await log.save([piece(1)], AnswerState.CANCELLED) is AnswerState.CANCELLED
    assert await stored(store) == (AnswerState.CANCELLED, [1])


async def test_answer_that_somebody_has_ended_stays_as_it_ended(
    log: AnswerLog, store: MemoryAnswerStore
) -> None:
    found = await store.read("a1")
    assert found is not None
    await store.append("a1", found.version, [], ERROR)
    assert await log.save([piece(1)], DONE) is ERROR
    assert await stored(store) == (ERROR, [])


async def test_answer_that_is_gone_from_the_store_has_failed(unreliable: Unreliable, time: FakeClock) -> None:
    assert await AnswerLog(unreliable, "other", 1, time).save([piece(1)], STREAMING) is ERROR


async def test_store_that_does_not_respond_is_left_alone_for_a_while(
    log: AnswerLog, unreliable: Unreliable, store: MemoryAnswerStore, time: FakeClock
) -> None:
    unreliable.failures = ["never"]
    saving = asyncio.create_task(log.save([piece(1)], STREAMING))
    await time.advance(2.9)
    assert not saving.done()
    await time.advance(0.2)
    assert await saving is STREAMING
    assert await log.save([piece(2)], STREAMING) is STREAMING
    assert await stored(store) == (STREAMING, [])
    await time.advance(10)
    assert await log.save([piece(3)], STREAMING) is STREAMING
    assert await stored(store) == (STREAMING, [1, 2, 3])


async def test_end_is_stored_even_where_the_store_was_just_too_slow(
    log: AnswerLog, unreliable: Unreliable, store: MemoryAnswerStore, time: FakeClock
) -> None:
    unreliable.failures = ["never"]
    saving = asyncio.create_task(log.save([piece(1)], STREAMING))
    await time.advance(3.1)
    await saving
    assert await log.save([piece(2)], DONE) is DONE
    assert await stored(store) == (DONE, [1, 2])


async def test_end_waits_longer_for_the_store_but_not_for_ever(
    log: AnswerLog, unreliable: Unreliable, store: MemoryAnswerStore, time: FakeClock
) -> None:
    unreliable.failures = ["never"]
    saving = asyncio.create_task(log.save([piece(1)], DONE))
    await time.advance(29.9)
    assert not saving.done()
    await time.advance(0.2)
    assert await saving is DONE
    assert await stored(store) == (STREAMING, [])


async def test_sign_of_life_does_not_undo_the_end(log: AnswerLog, store: MemoryAnswerStore) -> None:
    found = await asyncio.gather(log.save([piece(1)], DONE), log.save([], STREAMING))
    assert list(found) == [DONE, DONE]
    assert await stored(store) == (DONE, [1])
