"""An answer while it is streamed: roll-up, order, back-pressure, failures of the service."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from serverless_signalr._answers import answer as module
from serverless_signalr.errors import (
    NotFoundError,
    PartialSendError,
    ServiceUnavailableError,
    ThrottledError,
    UnauthorizedError,
)
from tests.serverless_signalr._answers.streams import Clients, FakeClock, settle, stream_to, text_of

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


async def test_first_text_goes_at_once(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time) as answer:
        await answer.write("Hel")
        await settle()
        assert clients.texts == ["Hel"]


async def test_later_text_is_rolled_up_until_the_time_has_passed(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time) as answer:
        await answer.write("One ")
        await time.advance(0.04)
        await answer.write("two ")
        await answer.write("three ")
        await time.advance(0.05)
        assert clients.texts == ["One "]
        await time.advance(0.02)
        assert clients.texts == ["One ", "two three "]


async def test_text_after_a_pause_goes_at_once(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time) as answer:
        await answer.write("One ")
        await time.advance(5)
        await answer.write("two ")
        await settle()
        assert clients.texts == ["One ", "two "]


async def test_much_text_does_not_wait_for_the_time(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time, max_piece=10) as answer:
        await answer.write("One ")
        await settle()
        await answer.write("exactly10.")
        await settle()
        assert clients.texts == ["One ", "exactly10."]


async def test_pieces_are_numbered_and_end_with_done(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time, id="abc") as answer:
        await answer.write("One ")
        await time.advance(1)
        await answer.write("two")
    assert [(piece["id"], piece["seq"]) for piece in clients.pieces] == [("abc", 1), ("abc", 2), ("abc", 3)]
    assert clients.kinds == ["text", "text", "done"]
    assert text_of(clients.pieces) == "One two"


async def test_none_and_empty_text_send_nothing(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time) as answer:
        await answer.write(None)
        await answer.write("")
    assert clients.kinds == ["done"]


async def test_other_kinds_keep_their_place_in_the_text(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time) as answer:
        await answer.status("Searching…")
        await answer.write("Before")
        await answer.tool_call("search", {"q": "tea"}, call_id="call_1")
        await answer.write("after")
        await answer.citation(url="https://example.com", title="Tea")
        await answer.done({"totalTokens": 5})
    assert [(piece["kind"], piece.get("text"), piece.get("data")) for piece in clients.pieces] == [
        ("status", "Searching…", None),
        ("text", "Before", None),
        ("toolCall", None, {"id": "call_1", "name": "search", "arguments": {"q": "tea"}}),
        ("text", "after", None),
        ("citation", None, {"url": "https://example.com", "title": "Tea"}),
        ("done", None, {"totalTokens": 5}),
    ]


async def test_character_of_several_code_points_stays_whole(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time) as answer:
        await answer.write("A family: ")
        await settle()
        for part in FAMILY:
            await time.advance(0.06)
            await answer.write(part)
        await time.advance(0.3)
        assert clients.texts == ["A family: ", FAMILY]


async def test_halves_of_a_surrogate_pair_become_one_character(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time) as answer:
        await answer.write("\ud83d")
        await time.advance(1)
        assert clients.texts == []
        await answer.write("\ude00")
        await time.advance(1)
        assert clients.texts == ["\U0001f600"]


async def test_half_that_never_becomes_whole_does_not_break_the_answer(
    clients: Clients, time: FakeClock
) -> None:
    async with stream_to(clients, time) as answer:
        await answer.write("a\ud83d")
    assert text_of(clients.pieces) == "a\ufffd"


async def test_letter_that_was_kept_back_follows_when_the_model_pauses(
    clients: Clients, time: FakeClock
) -> None:
    async with stream_to(clients, time) as answer:
        await answer.write("One ")
        await settle()
        await answer.write("two")
        await time.advance(0.11)
        assert text_of(clients.pieces) == "One tw"
        await time.advance(0.1)
        assert text_of(clients.pieces) == "One two"


async def test_slow_service_makes_pieces_larger_and_loses_nothing(clients: Clients, time: FakeClock) -> None:
    clients.gate = asyncio.Event()
    words = [f"word{number} " for number in range(100)]
    async with stream_to(clients, time) as answer:
        for word in words:
            await answer.write(word)
            await time.advance(0.05)
        clients.gate.set()
    assert text_of(clients.pieces) == "".join(words)
    assert len(clients.texts) == 2


async def test_model_waits_while_too_much_is_unsent(clients: Clients, time: FakeClock) -> None:
    clients.gate = asyncio.Event()
    written = 0

    async def model() -> None:
        nonlocal written
        async with stream_to(clients, time) as answer:
            for _ in range(100):
                await answer.write("x" * 1023 + " ")
                written += 1

    streaming = asyncio.create_task(model())
    for _ in range(20):
        await time.advance(1)
    assert 30 <= written <= 35
    clients.gate.set()
    await settle()
    await streaming
    assert len(text_of(clients.pieces)) == 100 * 1024


async def test_iterator_that_never_waits_lets_others_work(clients: Clients, time: FakeClock) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    working = asyncio.create_task(other())
    async with stream_to(clients, time) as answer:
        for _ in range(3200):
            await answer.write("x")
        assert turns >= 100
    working.cancel()


@pytest.mark.parametrize(
    "failure",
    [
        ThrottledError("too many", status=429),
        ServiceUnavailableError("gone"),
        PartialSendError("one of two", {"bob": ThrottledError("too many", status=429)}),
    ],
    ids=["429", "unavailable", "partial"],
)
async def test_piece_is_sent_again_with_its_number_after(
    clients: Clients, time: FakeClock, failure: Any
) -> None:
    clients.failures = [failure, failure]
    async with stream_to(clients, time) as answer:
        await answer.write("One ")
        await time.advance(0.3)
        await answer.write("two ")
        await answer.write("three.")
        await time.advance(5)
    assert [piece.get("text") for piece in clients.pieces] == ["One ", "two three.", None]
    assert [piece["seq"] for piece in clients.pieces] == [1, 2, 3]


async def test_ten_seconds_of_429_cost_no_letter(clients: Clients, time: FakeClock) -> None:
    words = [f"word{number} " for number in range(200)]
    refused_until = time.now + 11
    send = clients.answer_piece

    async def answer_piece(piece: dict[str, Any]) -> None:
        if time.now > refused_until - 10 and time.now < refused_until:
            raise ThrottledError("too many", status=429)
        await send(piece)

    clients.answer_piece = answer_piece  # type: ignore[method-assign]
    async with stream_to(clients, time) as answer:
        for word in words:
            await answer.write(word)
            await time.advance(0.1)
    assert text_of(clients.pieces) == "".join(words)
    assert [piece["seq"] for piece in clients.pieces] == list(range(1, len(clients.pieces) + 1))


async def test_answer_goes_on_while_nobody_is_there(clients: Clients, time: FakeClock) -> None:
    clients.failures = [NotFoundError("no such connection", status=404)]
    async with stream_to(clients, time) as answer:
        await answer.write("One ")
        await time.advance(1)
        await answer.write("two ")
        await time.advance(1)
    assert clients.texts == ["two "]


async def test_error_that_does_not_pass_is_raised_in_the_block(clients: Clients, time: FakeClock) -> None:
    clients.failures = [UnauthorizedError("wrong key", status=401)]

    async def stream() -> None:
        async with stream_to(clients, time) as answer:
            await answer.write("One ")
            # The model would keep the block waiting for ever.
            await asyncio.Event().wait()

    with pytest.raises(UnauthorizedError, match="wrong key"):
        await stream()
    assert clients.kinds == ["error"]


async def test_service_that_stays_away_ends_the_answer_after_the_patience(
    clients: Clients, time: FakeClock
) -> None:
    clients.failures = [ServiceUnavailableError("gone") for _ in range(100)]

    async def stream() -> None:
        async with stream_to(clients, time, patience=timedelta(seconds=20)) as answer:
            await answer.write("One ")
            await asyncio.Event().wait()

    streaming = asyncio.create_task(stream())
    for _ in range(40):
        await time.advance(1)
    with pytest.raises(ServiceUnavailableError):
        await streaming


async def test_nothing_is_added_after_the_end(clients: Clients, time: FakeClock) -> None:
    async with stream_to(clients, time, id="a") as answer:
        await answer.done()
        with pytest.raises(RuntimeError, match="the answer a has ended"):
            await answer.write("more")


@pytest.mark.parametrize("value", [b"bytes", 5, {"text": "a"}])
async def test_what_is_no_text_is_refused(clients: Clients, time: FakeClock, value: Any) -> None:
    async with stream_to(clients, time) as answer:
        with pytest.raises(TypeError, match="an answer is written as text"):
            await answer.write(value)


async def test_data_that_clients_cannot_read_is_refused_where_it_is_given(
    clients: Clients, time: FakeClock
) -> None:
    async with stream_to(clients, time) as answer:
        with pytest.raises(TypeError):
            await answer.tool_call("search", {"q": object()})
        with pytest.raises(ValueError, match="too large"):
            await answer.citation(text="x" * 70_000)
    assert clients.kinds == ["done"]


async def test_timers_and_tasks_end_with_the_answer(clients: Clients, time: FakeClock) -> None:
    before = len(asyncio.all_tasks())
    async with stream_to(clients, time) as answer:
        await answer.write("One ")
    assert answer._pump.done()
    assert len(asyncio.all_tasks()) == before
    assert all(timer.callback is None for _, _, timer in time._timers)


def test_heartbeat_is_well_below_the_silence_after_which_an_answer_is_lost() -> None:
    from serverless_signalr._answers import resuming

    assert module._HEARTBEAT * 3 < resuming._SILENCE
