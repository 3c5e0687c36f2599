"""Resume and cancel: who may, what comes back, and what becomes of an answer that nobody streams any more."""

import asyncio
import random
from typing import Any

import pytest

from serverless_signalr._answers.clock import wait
from serverless_signalr._answers.memory import MemoryAnswerStore
from serverless_signalr._answers.resuming import AnswerInfo, cancel_answer, resume_answer
from serverless_signalr._answers.stores import AnswerState
from serverless_signalr._answers.streaming import stream_answer
from serverless_signalr.errors import HubException, ThrottledError
from tests.serverless_signalr._answers.streams import Clients, FakeClock, settle, stream_to, text_of


async def finished(clients: Clients, time: FakeClock, store: MemoryAnswerStore) -> None:
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        for word in ("One ", "two ", "three "):
            await answer.write(word)
            await time.advance(1)
        await answer.citation(url="https://example.com")
        await answer.write("four")


async def test_all_is_given_to_who_has_nothing(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    await finished(clients, time, store)
    assert await resume_answer(store, "a", "ann", 0) == {
        "id": "a",
        "state": "done",
        "recovered": True,
        "seq": 6,
        "text": None,
        "pieces": [
            {"id": "a", "seq": 3, "kind": "text", "text": "One two three "},
            {"id": "a", "seq": 4, "kind": "citation", "data": {"url": "https://example.com"}},
            {"id": "a", "seq": 5, "kind": "text", "text": "four"},
            {"id": "a", "seq": 6, "kind": "done"},
        ],
    }


async def test_only_what_was_missed_is_given(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    await finished(clients, time, store)
    found = await resume_answer(store, "a", "ann", 2)
    assert found["recovered"]
    assert text_of(found["pieces"]) == "three four"
    assert (await resume_answer(store, "a", "ann", 6))["pieces"] == []


async def test_whole_text_is_given_where_pieces_are_gone(clients: Clients, time: FakeClock) -> None:
    store = MemoryAnswerStore(single_instance=True, clock=time.time, max_bytes=700)
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        for _ in range(20):
            await answer.write("word ")
            await time.advance(1)
    found = await resume_answer(store, "a", "ann", 2)
    assert (found["recovered"], found["text"], found["state"], found["seq"]) == (
        False,
        "word " * 20,
        "done",
        21,
    )
    assert [piece["kind"] for piece in found["pieces"]] == ["done"]


async def test_what_is_left_is_given_where_the_beginning_of_the_text_is_gone(
    clients: Clients, time: FakeClock
) -> None:
    store = MemoryAnswerStore(single_instance=True, clock=time.time, max_bytes=2000)
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        for number in range(1000):
            await answer.write(f"word{number} ")
            await time.advance(1)
    for since in (0, 2):
        found = await resume_answer(store, "a", "ann", since)
        assert (found["recovered"], found["text"], found["state"]) == (False, None, "done")
        assert text_of(found["pieces"]).endswith("word998 word999 ")
        assert text_of(clients.pieces).endswith(text_of(found["pieces"]))


async def test_number_that_was_never_sent_recovers_nothing_but_the_text(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    await finished(clients, time, store)
    found = await resume_answer(store, "a", "ann", 99)
    assert (found["recovered"], found["text"], found["seq"]) == (False, "One two three four", 6)
    assert [piece["kind"] for piece in found["pieces"]] == ["citation", "done"]


async def test_nobody_but_the_owner_learns_that_there_is_an_answer(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    await finished(clients, time, store)
    absent = await resume_answer(store, "b", "bob", 0)
    for user in ("bob", "ANN", "", None):
        assert await resume_answer(store, "a", user, 0) == absent | {"id": "a"}
    assert absent["state"] == "unknown"


@pytest.mark.parametrize("allows", [True, False])
@pytest.mark.parametrize("is_async", [True, False])
async def test_others_resume_where_the_app_allows_it(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore, allows: bool, is_async: bool
) -> None:
    asked: list[tuple[str, AnswerInfo]] = []

    def may_resume(user: str, answer: AnswerInfo) -> Any:
        asked.append((user, answer))
        return settled(allows) if is_async else allows

    async def settled(value: bool) -> bool:
        return value

    async with stream_answer(clients, id="a", store=store, owner="ann", audience="tea", clock=time):
        pass
    found = await resume_answer(store, "a", "bob", 0, may_resume)
    assert (found["state"] == "done") is allows
    assert asked == [("bob", AnswerInfo("a", "ann", "tea"))]
    assert not await cancel_answer(store, "a", "bob")


@pytest.mark.parametrize("since", [-1, True, 1.5, "1", None])
async def test_number_that_makes_no_sense_is_refused(store: MemoryAnswerStore, since: Any) -> None:
    with pytest.raises(HubException, match="since must be the number of a piece"):
        await resume_answer(store, "a", "ann", since)


@pytest.mark.parametrize(
    "answer_id",
    [
        "",
        "a\n",
        "a\0",
        "A/../a",
        "a'",
        "a' or PartitionKey ge '",
        "\uff41",
        "\u0430",
        "a" * 65,
        None,
        ["a"],
        {"a": 1},
    ],
)
async def test_odd_id_reaches_no_store(answer_id: Any) -> None:
    no_store: Any = None
    for user in ("ann", None):
        with pytest.raises(HubException, match="expected 1 to 64 ASCII letters"):
            await resume_answer(no_store, answer_id, user, 0)
        with pytest.raises(HubException, match="expected 1 to 64 ASCII letters"):
            await cancel_answer(no_store, answer_id, user)


async def test_id_that_is_used_again_by_another_user_after_its_time_shows_each_their_own(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    await finished(clients, time, store)
    time.now += 31 * 60
    async with stream_to(clients, time, id="a", store=store, owner="bob") as answer:
        await answer.write("for Bob")
    assert (await resume_answer(store, "a", "ann", 0))["state"] == "unknown"
    assert not await cancel_answer(store, "a", "ann")
    assert text_of((await resume_answer(store, "a", "bob", 0))["pieces"]) == "for Bob"


async def test_case_of_an_id_and_of_a_user_matters(store: MemoryAnswerStore) -> None:
    await store.create("a", "ann", None)
    assert (await resume_answer(store, "A", "ann", 0))["state"] == "unknown"
    assert (await resume_answer(store, "a", "Ann", 0))["state"] == "unknown"
    assert not await cancel_answer(store, "A", "ann")


async def test_wrong_id_is_refused_in_words_for_clients(store: MemoryAnswerStore) -> None:
    with pytest.raises(HubException, match=r"^The answer id is 'a/b', expected"):
        await resume_answer(store, "a/b", "ann", 0)
    with pytest.raises(HubException, match=r"^The answer id is 5, expected"):
        await cancel_answer(store, 5, "ann")  # type: ignore[arg-type]


async def test_cancelling_leaves_the_block_while_it_waits_for_the_model(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    closed = False
    after = False

    async def model() -> Any:
        nonlocal closed
        try:
            yield "One "
            await asyncio.Event().wait()
        finally:
            closed = True

    async def stream() -> AnswerState:
        nonlocal after
        async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
            async for text in model():
                await answer.write(text)
        after = True
        assert answer.is_cancelled
        return answer.state

    streaming = asyncio.create_task(stream())
    await time.advance(1)
    assert await cancel_answer(store, "a", "ann")
    await time.advance(11)
    assert await streaming is AnswerState.CANCELLED
    assert closed
    assert after
    assert clients.kinds == ["text", "cancelled"]
    assert (await resume_answer(store, "a", "ann", 0))["state"] == "cancelled"


async def test_exception_that_a_library_makes_of_cancelling_is_raised_and_the_answer_is_cancelled(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    async def stream() -> None:
        async with stream_to(clients, time, id="a", store=store, owner="ann"):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise RuntimeError("the stream was closed") from None

    streaming = asyncio.create_task(stream())
    await settle()
    await cancel_answer(store, "a", "ann")
    await time.advance(11)
    with pytest.raises(RuntimeError, match="the stream was closed"):
        await streaming
    assert clients.kinds == ["cancelled"]
    assert (await resume_answer(store, "a", "ann", 0))["state"] == "cancelled"


async def test_cancelling_takes_effect_with_the_next_piece(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        for number in range(100):
            if number == 5:
                assert await cancel_answer(store, "a", "ann")
            await answer.write(f"word{number} ")
            await time.advance(0.2)
    assert answer.is_cancelled
    assert text_of(clients.pieces) == "word0 word1 word2 word3 word4 word5 "
    assert [piece["seq"] for piece in clients.pieces] == [1, 2, 3, 4, 5, 6, 7]
    assert text_of((await resume_answer(store, "a", "ann", 0))["pieces"]) == text_of(clients.pieces)


async def test_cancelling_takes_effect_while_the_service_throttles(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    clients.failures = [ThrottledError("too many", status=429) for _ in range(6)]

    async def stream() -> None:
        async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
            await answer.write("One ")
            await asyncio.Event().wait()

    streaming = asyncio.create_task(stream())
    await time.advance(1)
    assert await cancel_answer(store, "a", "ann")
    await time.advance(60)
    await streaming
    assert clients.kinds == ["text", "cancelled"]


async def test_only_the_owner_cancels(clients: Clients, time: FakeClock, store: MemoryAnswerStore) -> None:
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        for user in ("bob", "", None):
            assert not await cancel_answer(store, "a", user)
        await answer.write("One ")
        await time.advance(20)
    assert answer.state is AnswerState.DONE


async def test_answer_that_has_ended_stays_as_it_is(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    await finished(clients, time, store)
    assert await cancel_answer(store, "a", "ann")
    assert (await resume_answer(store, "a", "ann", 0))["state"] == "done"


async def test_cancelling_an_answer_that_is_just_ending_does_not_undo_its_end(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        await answer.write("One ")
        await settle()
        assert await cancel_answer(store, "a", "ann")
    assert answer.state is AnswerState.DONE
    assert (await resume_answer(store, "a", "ann", 0))["state"] == "done"


async def test_answer_whose_process_was_killed_ends_with_an_error_and_keeps_its_text(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    stream = stream_to(clients, time, id="a", store=store, owner="ann")
    answer = await stream.__aenter__()
    await answer.write("One ")
    await settle()
    answer._pump.cancel()
    await settle()
    time.now += 44
    assert (await resume_answer(store, "a", "ann", 0))["state"] == "streaming"
    time.now += 2
    found = await resume_answer(store, "a", "ann", 0)
    assert found["state"] == "error"
    assert [(piece["kind"], piece["text"]) for piece in found["pieces"]] == [
        ("text", "One "),
        ("error", "The answer was interrupted on the server."),
    ]
    assert await resume_answer(store, "a", "ann", 0) == found


async def test_answer_that_waits_long_for_its_model_is_not_taken_for_lost(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    async with stream_to(clients, time, id="a", store=store, owner="ann"):
        for _ in range(60):
            await time.advance(5)
            assert (await resume_answer(store, "a", "ann", 0))["state"] == "streaming"


async def test_answer_that_waits_long_for_the_service_is_not_taken_for_lost(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    clients.gate = asyncio.Event()  # The service has asked for a long pause, with Retry-After.
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        await answer.write("One ")
        states = []
        for _ in range(30):
            await time.advance(5)
            states.append((await resume_answer(store, "a", "ann", 0))["state"])
        clients.gate.set()
    assert set(states) == {"streaming"}
    assert clients.kinds == ["text", "done"]


async def test_cancelling_takes_effect_while_one_send_lasts(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    clients.gate = asyncio.Event()
    is_left = asyncio.Event()

    async def stream() -> None:
        async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
            await answer.write("One ")
            try:
                await asyncio.Event().wait()
            finally:
                is_left.set()

    streaming = asyncio.create_task(stream())
    await time.advance(1)
    assert await cancel_answer(store, "a", "ann")
    await time.advance(11)
    was_left = is_left.is_set()
    clients.gate.set()
    await time.advance(11)
    await streaming
    assert was_left
    assert clients.kinds == ["text", "cancelled"]


async def test_answer_that_was_taken_for_lost_is_streamed_no_further(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        await answer.write("One ")
        await settle()
        time.now += 60  # The process was suspended.
        assert (await resume_answer(store, "a", "ann", 0))["state"] == "error"
        await answer.write("two ")
        await time.advance(1)
        await answer.write("three ")
    assert answer.state is AnswerState.ERROR
    assert text_of(clients.pieces) == "One "


@pytest.mark.parametrize("seed", range(10))
async def test_no_letter_is_lost_and_none_comes_twice_whatever_is_cut(seed: int) -> None:
    for number in range(100):
        await one_answer_with_cuts(random.Random(seed * 100 + number))


async def one_answer_with_cuts(chance: random.Random) -> None:
    """Stream an answer to a device that loses its connection, messages and pages at random."""
    time = FakeClock()
    store = MemoryAnswerStore(single_instance=True, clock=time.time)
    device = Device(store, chance)
    alphabet = [*"ab c.\n", "e\u0301", "日", "\U0001f600", "\U0001f468\u200d\U0001f469", "\ud83d\ude00"]
    written = ""

    async def stream() -> None:
        nonlocal written
        async with stream_answer(device.receive, id="a", store=store, owner="ann", clock=time) as answer:
            for _ in range(chance.randint(1, 40)):
                text = "".join(chance.choices(alphabet, k=chance.randint(0, 6)))
                at = chance.randint(0, len(text))
                for part in (text[:at], text[at:]):
                    await answer.write(part)
                    await wait(time, chance.choice([0, 0.02, 0.05, 0.3]))
                written += text
                device.is_connected = chance.random() > 0.3
                if device.is_connected:
                    await device.resume()

    streaming = asyncio.create_task(stream())
    while not streaming.done():
        await time.advance(1)
    await streaming
    device.is_connected = True
    await device.resume()
    expected = written.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    assert device.text == expected
    assert device.ends == 1


class Device:
    """Do what the client module does: apply pieces in order, each once, and resume where one is missing."""

    def __init__(self, store: MemoryAnswerStore, chance: random.Random) -> None:
        self.store, self.chance = store, chance
        self.is_connected = True
        self.seq, self.text, self.ends = 0, "", 0

    async def receive(self, piece: dict[str, Any]) -> None:
        dice = self.chance.random()
        if dice < 0.1:
            raise ThrottledError("too many", status=429)
        if self.is_connected and dice < 0.9:
            await self.take(piece)
            if dice < 0.3:
                await self.take(piece)  # The service was asked twice.

    async def take(self, piece: dict[str, Any]) -> None:
        if piece["seq"] <= self.seq:
            return
        if piece["seq"] > self.seq + 1:
            await self.resume()
            return
        self.apply(piece)

    async def resume(self) -> None:
        found = await resume_answer(self.store, "a", "ann", self.seq)
        assert found["recovered"]
        for piece in found["pieces"]:
            self.apply(piece)

    def apply(self, piece: dict[str, Any]) -> None:
        self.seq = piece["seq"]
        self.text += piece["text"] if piece["kind"] == "text" else ""
        self.ends += piece["kind"] == "done"
