"""The delivery of pieces: what is tried again, for how long, and what is given up."""

import asyncio
import itertools
from typing import Any

import pytest

from serverless_signalr._answers.delivery import Delivery
from serverless_signalr._answers.pieces import AnswerPiece, PieceKind
from serverless_signalr.errors import (
    InvalidArgumentError,
    NotFoundError,
    PartialSendError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
)
from tests.serverless_signalr._answers.streams import Clients, FakeClock

BUSY, GONE, WRONG = ThrottledError("busy"), NotFoundError("gone"), InvalidArgumentError("wrong")


def piece(number: int = 1) -> AnswerPiece:
    return AnswerPiece("a1", number, PieceKind.TEXT, "hi")


@pytest.fixture
def delivery(clients: Clients, time: FakeClock) -> Delivery:
    return Delivery("a1", clients.answer_piece, time, patience=60)


async def delivered(delivery: Delivery, time: FakeClock, seconds: float = 1000) -> None:
    sending = asyncio.create_task(delivery.send(piece()))
    await time.advance(seconds)
    await sending


@pytest.mark.parametrize(
    "error",
    [
        BUSY,
        ServiceUnavailableError("down"),
        PartialSendError("some failed", {"c1": BUSY, "c2": GONE}),
    ],
    ids=["throttled", "unavailable", "several"],
)
async def test_failure_that_may_pass_is_followed_by_another_attempt(
    clients: Clients, delivery: Delivery, time: FakeClock, error: ServiceError
) -> None:
    clients.failures = [error]
    await delivered(delivery, time)
    assert (clients.pieces, clients.tries) == ([piece().to_dict()], 2)


@pytest.mark.parametrize(
    "error", [WRONG, PartialSendError("some failed", {"c1": BUSY, "c2": WRONG})], ids=["one", "several"]
)
async def test_failure_that_will_not_pass_is_raised_at_once(
    clients: Clients, delivery: Delivery, error: ServiceError
) -> None:
    clients.failures = [error]
    with pytest.raises(type(error)):
        await delivery.send(piece())
    assert clients.tries == 1


async def test_piece_for_nobody_is_dropped(clients: Clients, delivery: Delivery) -> None:
    clients.failures = [GONE]
    await delivery.send(piece())
    assert (clients.pieces, clients.tries) == ([], 1)


async def test_patience_ends(clients: Clients, delivery: Delivery, time: FakeClock) -> None:
    clients.failures = [BUSY] * 100
    began = time.now
    ended: list[float] = []
    sending = asyncio.create_task(delivery.send(piece()))
    sending.add_done_callback(lambda _: ended.append(time.now - began))
    await time.advance(1000)
    with pytest.raises(ThrottledError):
        await sending
    assert 60 <= ended[0] < 70


async def test_pauses_grow_up_to_some_seconds(time: FakeClock) -> None:
    attempts: list[float] = []

    async def send(_: dict[str, Any]) -> None:
        attempts.append(time.now)
        if len(attempts) < 9:
            raise BUSY

    sending = asyncio.create_task(Delivery("a1", send, time, 60).send(piece()))
    await time.advance(1000)
    await sending
    pauses = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert 0.3 < pauses[0] < 0.7
    assert all(3.7 < pause < 6.3 for pause in pauses[4:])


async def test_last_attempt_stops_at_the_first_failure(clients: Clients, delivery: Delivery) -> None:
    await delivery.try_once([piece(1)])
    clients.failures = [BUSY]
    await delivery.try_once([piece(2), piece(3)])
    assert [each["seq"] for each in clients.pieces] == [1]
    assert clients.tries == 2
