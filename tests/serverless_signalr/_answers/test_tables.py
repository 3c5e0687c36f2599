"""Answers in Azure Table Storage: the real client against Azurite."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from serverless_signalr._answers.pieces import AnswerPiece, PieceKind
from serverless_signalr._answers.resuming import cancel_answer, resume_answer
from serverless_signalr._answers.stores import AnswerConflictError, AnswerExistsError, AnswerState
from serverless_signalr._answers.streaming import stream_answer
from serverless_signalr._answers.tables import TableAnswerStore
from tests.serverless_signalr._answers.azurite import Azurite
from tests.serverless_signalr._answers.streams import Clients, text_of


class Now:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Run Azurite for all tests; each has a table of its own."""
    azurite = Azurite(tmp_path_factory.mktemp("azurite"))
    yield azurite
    azurite.stop()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def settings(azurite: Azurite) -> dict[str, str]:
    return {"AzureWebJobsStorage": azurite.connection_string}


@pytest.fixture
def tables(settings: dict[str, str], now: Now) -> TableAnswerStore:
    """Return a store whose table is not there yet."""
    return TableAnswerStore(settings=settings, table=f"t{uuid4().hex[:20]}", clock=now.time)


def piece(seq: int, text: str = "text") -> AnswerPiece:
    return AnswerPiece("a", seq, PieceKind.TEXT, text)


async def test_pieces_after_one_and_the_whole_text_are_read(tables: TableAnswerStore) -> None:
    version = await tables.create("a", "ann", "room")
    version = await tables.append("a", version, [piece(1, "One "), piece(2, "two ")], AnswerState.STREAMING)
    call = AnswerPiece("a", 3, PieceKind.TOOL_CALL, data={"name": "look", "arguments": {"deep": [1, None]}})
    await tables.append("a", version, [call, piece(4, "three")], AnswerState.DONE)
    found = await tables.read("a", 1)
    assert found is not None
    assert list(found.pieces) == [piece(2, "two "), call, piece(4, "three")]
    assert (found.text, found.last, found.state) == ("One two three", 4, AnswerState.DONE)
    assert (found.owner, found.audience) == ("ann", "room")


async def test_table_that_is_not_there_has_no_answers(tables: TableAnswerStore) -> None:
    assert await tables.read("a") is None
    assert await tables.purge() == 0


async def test_id_is_used_once(tables: TableAnswerStore) -> None:
    await tables.create("a", "ann", None)
    with pytest.raises(AnswerExistsError, match="an answer with the id 'a' already exists"):
        await tables.create("a", "bob", None)


async def test_change_of_an_old_version_is_a_conflict_and_writes_nothing(tables: TableAnswerStore) -> None:
    version = await tables.create("a", "ann", None)
    await tables.append("a", version, [], AnswerState.CANCELLING)
    with pytest.raises(AnswerConflictError):
        await tables.append("a", version, [piece(1)], AnswerState.STREAMING)
    found = await tables.read("a")
    assert found is not None
    assert (found.last, list(found.pieces), found.state) == (0, [], AnswerState.CANCELLING)


async def test_answer_that_was_deleted_is_a_conflict(tables: TableAnswerStore, now: Now) -> None:
    version = await tables.create("a", "ann", None)
    now.now += 3600
    assert await tables.purge() == 1
    with pytest.raises(AnswerConflictError):
        await tables.append("a", version, [piece(1)], AnswerState.STREAMING)


@pytest.mark.parametrize(
    "text", ["x" * 32_000, "\U0001f600" * 32_000, "a" + "\U0001f600" * 40_000, "'\"\\\n\0"]
)
async def test_text_of_any_length_and_script_comes_back(tables: TableAnswerStore, text: str) -> None:
    version = await tables.create("a", "ann", None)
    await tables.append("a", version, [piece(1, text)], AnswerState.DONE)
    found = await tables.read("a")
    assert found is not None
    assert found.text == text


async def test_more_pieces_than_a_transaction_holds_are_written(tables: TableAnswerStore) -> None:
    version = await tables.create("a", "ann", None)
    pieces = [piece(seq, f"{seq} ") for seq in range(1, 131)]
    version = await tables.append("a", version, pieces, AnswerState.STREAMING)
    await tables.append("a", version, [piece(131)], AnswerState.DONE)
    found = await tables.read("a")
    assert found is not None
    assert [each.seq for each in found.pieces] == list(range(1, 132))


async def test_size_of_an_answer_is_bounded(settings: dict[str, str], now: Now) -> None:
    store = TableAnswerStore(settings=settings, table=f"t{uuid4().hex[:20]}", clock=now.time, max_bytes=1000)
    version = await store.create("a", "ann", None)
    for seq in range(1, 31):
        version = await store.append("a", version, [piece(seq, "x" * 36)], AnswerState.STREAMING)
    found = await store.read("a")
    assert found is not None
    assert [each.seq for each in found.pieces] == list(range(21, 31))
    assert found.text is None


async def test_size_is_bounded_for_a_writer_that_lost_a_response(settings: dict[str, str], now: Now) -> None:
    store = TableAnswerStore(settings=settings, table=f"t{uuid4().hex[:20]}", clock=now.time, max_bytes=1000)
    version = await store.create("a", "ann", None)
    for seq in range(1, 10):
        version = await store.append("a", version, [piece(seq, "x" * 36)], AnswerState.STREAMING)
    found = await store.read("a")
    assert found is not None
    version = found.version
    for seq in range(10, 31):
        version = await store.append("a", version, [piece(seq, "x" * 36)], AnswerState.STREAMING)
    found = await store.read("a")
    assert found is not None
    assert [each.seq for each in found.pieces] == list(range(21, 31))


async def test_clocks_that_differ_by_half_a_minute_end_no_answer(
    settings: dict[str, str], tables: TableAnswerStore, now: Now
) -> None:
    ahead = TableAnswerStore(settings=settings, table=tables._table_name, clock=lambda: now.now + 30)
    behind = TableAnswerStore(settings=settings, table=tables._table_name, clock=lambda: now.now - 30)
    version = await tables.create("a", "ann", None)
    now.now += 10  # An answer tells the store at least this often that it is alive.
    for other in (ahead, behind):
        assert (await resume_answer(other, "a", "ann", 0))["state"] == "streaming"
    await tables.append("a", version, [piece(1)], AnswerState.DONE)


async def test_purges_at_once_do_not_disturb_each_other(tables: TableAnswerStore, now: Now) -> None:
    for number in range(5):
        version = await tables.create(f"a{number}", "ann", None)
        many = [AnswerPiece(f"a{number}", seq, PieceKind.TEXT, "x") for seq in range(1, 121)]
        await tables.append(f"a{number}", version, many, AnswerState.DONE)
    now.now += 3600
    await asyncio.gather(*(tables.purge() for _ in range(3)))
    await tables.purge()
    assert [row async for row in tables._table.list_entities()] == []


@pytest.mark.parametrize("owner", ["Ann Ó'Neil / #?%", "a" * 4096, "日本\U0001f600", "' or '1' eq '1"])
async def test_owner_of_any_characters_comes_back(tables: TableAnswerStore, owner: str) -> None:
    await tables.create("a", owner, owner)
    assert (await resume_answer(tables, "a", owner, 0))["state"] == "streaming"
    assert (await resume_answer(tables, "a", owner.upper() + "x", 0))["state"] == "unknown"


@pytest.mark.parametrize(
    "text", ["x" * 5_000_000, "\0" * 500_000, "日" * 1_000_000], ids=["ascii", "control", "wide"]
)
async def test_answer_of_megabytes_is_stored_as_far_as_it_is_kept(
    tables: TableAnswerStore, clients: Clients, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    async with stream_answer(clients, id="a", store=tables, owner="ann") as answer:
        await answer.write(text)
    assert text_of(clients.pieces) == text
    found = await resume_answer(tables, "a", "ann", 0)
    assert found["state"] == "done"
    assert text.endswith(text_of(found["pieces"]))
    assert len(text_of(found["pieces"])) > 50_000
    assert caplog.records == []


async def test_expired_answers_are_gone_and_then_deleted(tables: TableAnswerStore, now: Now) -> None:
    for name in ("old", "new"):
        version = await tables.create(name, "ann", None)
        many = [AnswerPiece(name, seq, PieceKind.TEXT, "x") for seq in range(1, 121)]
        await tables.append(name, version, many, AnswerState.DONE)
        now.now += 20 * 60
    assert await tables.read("old") is None
    assert await tables.read("new") is not None
    assert await tables.purge() == 1
    assert await tables.purge() == 0
    rows = [row async for row in tables._table.list_entities(select=["PartitionKey"])]
    assert {row["PartitionKey"] for row in rows} == {"new"}
    assert len(rows) == 121


async def test_answer_is_streamed_cancelled_and_resumed(tables: TableAnswerStore, clients: Clients) -> None:
    written = asyncio.Event()

    async def stream() -> AnswerState:
        every = timedelta(milliseconds=20)
        async with stream_answer(clients, id="a", store=tables, owner="ann", every=every) as answer:
            for number in range(100_000):
                await answer.write(f"{number} ")
                await asyncio.sleep(0.001)
                if len(clients.pieces) > 3:
                    written.set()
        return answer.state

    streaming = asyncio.create_task(stream())
    await written.wait()
    assert not await cancel_answer(tables, "a", "bob")
    assert await cancel_answer(tables, "a", "ann")
    assert await streaming is AnswerState.CANCELLED
    found = await resume_answer(tables, "a", "ann", 0)
    assert (found["state"], found["recovered"]) == ("cancelled", True)
    assert text_of(found["pieces"]) == text_of(clients.pieces)
    assert clients.kinds[-1] == "cancelled"
    later = await resume_answer(tables, "a", "ann", 2)
    assert text_of(later["pieces"]) == text_of(clients.pieces[2:])


async def test_answer_of_a_killed_process_ends_with_an_error_once(tables: TableAnswerStore, now: Now) -> None:
    version = await tables.create("a", "ann", None)
    await tables.append("a", version, [piece(1, "One ")], AnswerState.STREAMING)
    now.now += 60
    found = await asyncio.gather(*(resume_answer(tables, "a", "ann", 0) for _ in range(5)))
    assert {each["state"] for each in found} == {"error"}
    assert [[one["kind"] for one in each["pieces"]] for each in found] == [["text", "error"]] * 5


async def test_stores_of_two_processes_are_one(
    settings: dict[str, str], tables: TableAnswerStore, now: Now
) -> None:
    other = TableAnswerStore(settings=settings, table=tables._table_name, clock=now.time)
    await tables.create("a", "ann", None)
    assert await cancel_answer(other, "a", "ann")
    found = await tables.read("a")
    assert found is not None
    assert found.state is AnswerState.CANCELLING


def test_store_is_used_in_several_event_loops(settings: dict[str, str], tables: TableAnswerStore) -> None:
    asyncio.run(_create(tables, "a"))
    asyncio.run(_create(tables, "b"))


async def _create(store: Any, name: str) -> None:
    await store.create(name, "ann", None)
