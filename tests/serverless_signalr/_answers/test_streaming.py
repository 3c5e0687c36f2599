"""``stream_answer`` and ``send_answer``: how answers end, and what is refused before anything is sent."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from serverless_signalr._answers.clock import wait
from serverless_signalr._answers.memory import MemoryAnswerStore
from serverless_signalr._answers.resuming import cancel_answer, resume_answer
from serverless_signalr._answers.stores import AnswerExistsError, AnswerState
from serverless_signalr._answers.streaming import send_answer, stream_answer
from serverless_signalr.errors import HubException
from tests.serverless_signalr._answers.streams import Clients, FakeClock, settle, stream_to, text_of


class Model:
    """A model's iterator, which tells whether it was closed."""

    def __init__(self, texts: list[str], *, waits: bool = False) -> None:
        self.is_closed = False
        self._texts, self._waits = iter(texts), waits

    def __aiter__(self) -> "Model":
        return self

    async def __anext__(self) -> str:
        for text in self._texts:
            return text
        if self._waits:
            await asyncio.Event().wait()
        raise StopAsyncIteration

    async def close(self) -> None:
        self.is_closed = True


async def test_texts_of_an_iterator_are_sent_and_it_is_closed(clients: Clients, time: FakeClock) -> None:
    model = Model(["One ", "two"])
    assert await send_answer(clients, model, clock=time) is AnswerState.DONE
    assert text_of(clients.pieces) == "One two"
    assert model.is_closed


async def test_generator_is_closed_where_the_answer_is_cancelled(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    model = Model(["One "], waits=True)
    sending = asyncio.create_task(send_answer(clients, model, id="a", store=store, owner="ann", clock=time))
    await time.advance(1)
    await cancel_answer(store, "a", "ann")
    await time.advance(11)
    assert await sending is AnswerState.CANCELLED
    assert model.is_closed


async def test_model_that_swallows_the_interruption_is_stopped_with_its_next_text(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    class Stubborn(Model):
        async def __anext__(self) -> str:
            with suppress(asyncio.CancelledError):
                await wait(time, 20)
            return "x" * 20_000

    sending = asyncio.create_task(
        send_answer(clients, Stubborn([]), id="a", store=store, owner="ann", clock=time)
    )
    await time.advance(25)
    await cancel_answer(store, "a", "ann")
    await time.advance(60)
    assert await sending is AnswerState.CANCELLED
    assert clients.kinds[-1] == "cancelled"


async def test_iterator_that_cannot_be_closed_raises_after_the_answer_was_sent(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    class Unclosable(Model):
        async def close(self) -> None:
            raise RuntimeError("it is closed already")

    with pytest.raises(RuntimeError, match="closed already"):
        await send_answer(clients, Unclosable(["One"]), id="a", store=store, owner="ann", clock=time)
    assert clients.kinds == ["text", "done"]
    assert (await resume_answer(store, "a", "ann", 0))["state"] == "done"


async def test_iterator_that_yields_nothing_makes_an_empty_answer(clients: Clients, time: FakeClock) -> None:
    assert await send_answer(clients, Model([]), clock=time) is AnswerState.DONE
    assert clients.kinds == ["done"]


async def test_hundred_thousand_letters_at_once_are_few_pieces(clients: Clients, time: FakeClock) -> None:
    await send_answer(clients, Model(["x"] * 100_000), clock=time)
    assert len(text_of(clients.pieces)) == 100_000
    assert len(clients.pieces) < 200


@pytest.mark.parametrize("text", ["x" * 5_000_000, "日" * 2_000_000], ids=["ascii", "wide"])
async def test_answer_of_megabytes_arrives_in_pieces_that_a_message_can_carry(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore, text: str
) -> None:
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        await answer.write(text)
    assert text_of(clients.pieces) == text
    assert max(len(piece.get("text", "")) for piece in clients.pieces) <= 32 * 1024
    kept = await resume_answer(store, "a", "ann", 0)
    assert (kept["state"], kept["recovered"], kept["text"]) == ("done", False, None)
    assert text.endswith(text_of(kept["pieces"]))
    assert len(text_of(kept["pieces"])) > 50_000


@pytest.mark.parametrize("texts", [["a"], "text", iter(["a"])])
async def test_iterator_that_would_block_is_refused(clients: Clients, texts: Any) -> None:
    with pytest.raises(TypeError, match="send_answer takes an async iterator"):
        await send_answer(clients, texts)


async def test_exception_ends_the_answer_with_an_error_that_shows_nothing_of_it(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:

    async def stream() -> None:
        async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
            await answer.write("One ")
            raise RuntimeError("the key is secret")

    with pytest.raises(RuntimeError, match="secret"):
        await stream()
    assert [(piece["kind"], piece["text"]) for piece in clients.pieces] == [
        ("text", "One "),
        ("error", "The answer could not be finished."),
    ]
    assert (await resume_answer(store, "a", "ann", 0))["state"] == "error"


async def test_message_of_a_hub_exception_is_for_the_client(clients: Clients, time: FakeClock) -> None:
    with pytest.raises(HubException):
        async with stream_to(clients, time):
            raise HubException("The model is busy.")
    assert clients.pieces[-1]["text"] == "The model is busy."


async def test_message_of_a_hub_exception_is_cut_to_what_a_piece_holds(
    clients: Clients, time: FakeClock
) -> None:
    with pytest.raises(HubException):
        async with stream_to(clients, time):
            raise HubException("x" * 2_000_000)
    assert clients.pieces[-1]["text"] == "x" * 4096


async def test_task_that_is_cancelled_by_others_stays_cancelled(clients: Clients, time: FakeClock) -> None:
    async def stream() -> None:
        async with stream_to(clients, time) as answer:
            await answer.write("One ")
            await asyncio.Event().wait()

    streaming = asyncio.create_task(stream())
    await settle()
    streaming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await streaming
    assert [(piece["kind"], piece["text"]) for piece in clients.pieces] == [
        ("text", "One "),
        ("error", "The answer was interrupted."),
    ]


async def test_code_after_a_cancelled_answer_can_be_cancelled_itself(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    async def stream() -> None:
        async with stream_to(clients, time, id="a", store=store, owner="ann"):
            await asyncio.Event().wait()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)

    streaming = asyncio.create_task(stream())
    await settle()
    await cancel_answer(store, "a", "ann")
    await time.advance(11)
    await streaming


async def test_store_needs_an_owner(clients: Clients, store: MemoryAnswerStore) -> None:
    with pytest.raises(TypeError, match="a stored answer belongs to one user"):
        stream_answer(clients, store=store)
    with pytest.raises(TypeError, match="a stored answer belongs to one user"):
        stream_answer(clients, store=store, owner="")


async def test_id_of_another_answer_is_refused(
    clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    async with stream_to(clients, time, id="a", store=store, owner="ann"):
        pass
    with pytest.raises(AnswerExistsError):
        async with stream_to(clients, time, id="a", store=store, owner="bob"):
            raise AssertionError("it was entered")


@pytest.mark.parametrize("options", [{"every": timedelta(seconds=-1)}, {"max_piece": 0}, {"id": "a/b"}])
def test_wrong_options_are_refused(clients: Clients, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        stream_answer(clients, **options)


async def test_stream_is_entered_once(clients: Clients, time: FakeClock) -> None:
    stream = stream_to(clients, time)
    async with stream:
        pass
    with pytest.raises(RuntimeError, match="an answer can be streamed only once"):
        async with stream:
            raise AssertionError("it was entered")


async def test_ids_are_new_and_cannot_be_guessed(clients: Clients) -> None:
    ids = {stream_answer(clients).id for _ in range(100)}
    assert len(ids) == 100
    assert {len(each) for each in ids} == {32}


class FailingStore(MemoryAnswerStore):
    is_failing = True

    async def append(self, *arguments: Any) -> int:
        if self.is_failing:
            raise OSError("the network is gone")
        return await super().append(*arguments)


async def test_store_that_fails_for_a_while_misses_nothing(clients: Clients, time: FakeClock) -> None:
    store = FailingStore(single_instance=True, clock=time.time)
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        await answer.write("One ")
        await time.advance(1)
        await answer.write("two ")
        await time.advance(1)
        store.is_failing = False
        await answer.write("three ")
    assert text_of(clients.pieces) == "One two three "
    found = await resume_answer(store, "a", "ann", 0)
    assert found["recovered"]
    assert text_of(found["pieces"]) == "One two three "
