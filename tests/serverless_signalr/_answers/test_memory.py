"""Answers in memory: their bounds, their end, and where the store refuses to load."""

import gc
import tracemalloc
from datetime import timedelta

import pytest

from serverless_signalr._answers.memory import MemoryAnswerStore
from serverless_signalr._answers.pieces import AnswerPiece, PieceKind
from serverless_signalr._answers.stores import AnswerConflictError, AnswerExistsError, AnswerState
from tests.serverless_signalr._answers.streams import FakeClock

HERE = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "WEBSITE_HOSTNAME": "localhost:7071"}


def piece(seq: int, text: str = "text", answer_id: str = "a") -> AnswerPiece:
    return AnswerPiece(answer_id, seq, PieceKind.TEXT, text)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"WEBSITE_HOSTNAME": "app.azurewebsites.net"}, "in Azure, where it may scale out"),
        ({}, "in Azure, where it may scale out"),
        (HERE | {"FUNCTIONS_WORKER_PROCESS_COUNT": "2"}, "FUNCTIONS_WORKER_PROCESS_COUNT is 2"),
    ],
)
def test_store_refuses_to_load_where_there_may_be_several_processes(
    settings: dict[str, str], reason: str
) -> None:
    with pytest.raises(RuntimeError, match=f"{reason}.*TableAnswerStore.*single_instance=True"):
        MemoryAnswerStore(settings=settings)
    MemoryAnswerStore(settings=settings, single_instance=True)


def test_store_loads_on_the_machine_of_a_developer() -> None:
    MemoryAnswerStore(settings=HERE)


async def test_pieces_after_one_and_the_whole_text_are_read(store: MemoryAnswerStore) -> None:
    version: object = await store.create("a", "ann", "room")
    version = await store.append("a", version, [piece(1, "One "), piece(2, "two ")], AnswerState.STREAMING)
    await store.append("a", version, [piece(3, "three")], AnswerState.DONE)
    found = await store.read("a", 1)
    assert found is not None
    assert [each.seq for each in found.pieces] == [2, 3]
    assert (found.text, found.last, found.state) == ("One two three", 3, AnswerState.DONE)
    assert (found.owner, found.audience) == ("ann", "room")


async def test_id_is_used_once(store: MemoryAnswerStore) -> None:
    await store.create("a", "ann", None)
    with pytest.raises(AnswerExistsError, match="there is an answer with the id 'a' already"):
        await store.create("a", "bob", None)


async def test_change_of_an_old_version_is_a_conflict(store: MemoryAnswerStore) -> None:
    version = await store.create("a", "ann", None)
    await store.append("a", version, [], AnswerState.CANCELLING)
    with pytest.raises(AnswerConflictError):
        await store.append("a", version, [piece(1)], AnswerState.STREAMING)


async def test_answer_is_gone_after_its_time(store: MemoryAnswerStore, time: FakeClock) -> None:
    version = await store.create("a", "ann", None)
    time.now += 29 * 60
    version = await store.append("a", version, [piece(1)], AnswerState.STREAMING)
    time.now += 29 * 60
    assert await store.read("a") is not None
    time.now += 2 * 60
    assert await store.read("a") is None
    with pytest.raises(AnswerConflictError):
        await store.append("a", version, [piece(2)], AnswerState.STREAMING)


async def test_of_old_pieces_the_text_alone_is_kept(time: FakeClock) -> None:
    store = MemoryAnswerStore(single_instance=True, clock=time.time, max_bytes=1000)
    version = await store.create("a", "ann", None)
    for seq in range(1, 21):
        version = await store.append("a", version, [piece(seq, "日" * 12)], AnswerState.STREAMING)
    found = await store.read("a")
    assert found is not None
    assert 10 < found.pieces[0].seq <= 20
    assert found.text == "日" * 12 * 20


async def test_memory_of_one_answer_is_bounded(time: FakeClock) -> None:
    store = MemoryAnswerStore(single_instance=True, clock=time.time, max_bytes=1000)
    version = await store.create("a", "ann", None)
    for seq in range(1, 1001):
        version = await store.append("a", version, [piece(seq, "x" * 36)], AnswerState.STREAMING)
    found = await store.read("a")
    assert found is not None
    assert found.text is None
    assert sum(each.size for each in found.pieces) <= 1000
    assert store._total <= 2000 + 1024


@pytest.mark.parametrize(
    ("count", "text"), [(0, ""), (20, "token "), (20, "日本語のトークン")], ids=["empty", "ascii", "wide"]
)
async def test_ten_thousand_answers_take_no_more_memory_than_allowed(
    time: FakeClock, count: int, text: str
) -> None:
    bound = 4 * 1024 * 1024
    store = MemoryAnswerStore(single_instance=True, clock=time.time, max_total_bytes=bound)
    gc.collect()
    tracemalloc.start()
    for number in range(10_000 if count == 0 else 2_000):
        name = f"answer{number}"
        version = await store.create(name, "ann", None)
        if count:
            pieces = [piece(seq, text + str(seq), name) for seq in range(1, count + 1)]
            await store.append(name, version, pieces, AnswerState.DONE)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(store._answers) < number
    assert bound / 2 < held < bound * 1.25


async def test_memory_of_all_answers_is_bounded_and_the_oldest_go_first(time: FakeClock) -> None:
    store = MemoryAnswerStore(single_instance=True, clock=time.time, max_bytes=1000, max_total_bytes=4000)
    for name in "abcd":
        version = await store.create(name, "ann", None)
        await store.append(name, version, [piece(1, "x" * 700, name)], AnswerState.DONE)
    assert [name for name in "abcd" if await store.read(name) is not None] == ["c", "d"]
    assert store._total <= 4000


@pytest.mark.parametrize("options", [{"ttl": timedelta(0)}, {"max_bytes": 0}, {"max_total_bytes": 1}])
def test_bounds_that_keep_nothing_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        MemoryAnswerStore(single_instance=True, **options)  # type: ignore[arg-type]
