"""A value that is fetched once for all who ask, and kept when it cannot be fetched again."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

import pytest

from serverless_signalr._connection.cache import Cached
from serverless_signalr.errors import ServiceError
from tests.serverless_signalr.azure_fakes.clock import Clock, until

FRESH, USABLE, LASTING, RETRY = 60.0, 600.0, 6000.0, 5.0


class Origin:
    """Be where the value comes from: count, wait and fail as a test wants it."""

    def __init__(self) -> None:
        self.fetched = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> int:
        self.fetched += 1
        number = self.fetched
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return number


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def cached(origin: Origin, clock: Clock) -> Cached[int]:
    return Cached(origin.fetch, fresh=FRESH, usable=USABLE, lasting=LASTING, retry=RETRY, clock=clock)


def becomes(cached: Cached[int], value: int) -> Callable[[], Awaitable[bool]]:
    async def has_become() -> bool:
        return await cached.get() == value

    return has_become


async def test_nothing_is_fetched_before_somebody_asks(cached: Cached[int], origin: Origin) -> None:
    assert origin.fetched == 0


async def test_fresh_value_is_not_fetched_again(cached: Cached[int], origin: Origin, clock: Clock) -> None:
    await cached.get()
    clock.pass_by(seconds=FRESH - 1)
    assert (await cached.get(), origin.fetched) == (1, 1)


async def test_all_who_ask_at_once_share_one_attempt(cached: Cached[int], origin: Origin) -> None:
    assert await asyncio.gather(*(cached.get() for _ in range(100))) == [1] * 100
    assert origin.fetched == 1


async def test_all_who_ask_at_once_share_its_error(cached: Cached[int], origin: Origin) -> None:
    origin.error = ServiceError("down")
    results = await asyncio.gather(*(cached.get() for _ in range(100)), return_exceptions=True)
    assert [(type(result), str(result)) for result in results] == [(ServiceError, "down")] * 100
    assert origin.fetched == 1


async def test_error_does_not_grow_with_those_who_are_told(cached: Cached[int], origin: Origin) -> None:
    origin.error = ServiceError("down", status=503)
    origin.error.__cause__ = OSError("why")
    lengths = []
    for _ in range(3):
        with pytest.raises(ServiceError) as raised:
            await cached.get()
        assert (raised.value.status, raised.value.__cause__) == (503, origin.error.__cause__)
        lengths.append(len(traceback.extract_tb(raised.value.__traceback__)))
    assert lengths == [lengths[0]] * 3


async def test_who_gives_up_does_not_end_the_attempt_of_the_others(
    cached: Cached[int], origin: Origin
) -> None:
    origin.gate.clear()
    impatient = asyncio.create_task(cached.get())
    patient = asyncio.create_task(cached.get())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient])
    origin.gate.set()
    assert impatient.cancelled()
    assert (await patient, origin.fetched) == (1, 1)


async def test_value_that_is_not_fresh_serves_while_another_is_fetched(
    cached: Cached[int], origin: Origin, clock: Clock
) -> None:
    await cached.get()
    clock.pass_by(seconds=FRESH)
    origin.gate.clear()
    assert [await cached.get() for _ in range(3)] == [1, 1, 1]
    await asyncio.sleep(0)
    assert origin.fetched == 2
    origin.gate.set()
    await until(becomes(cached, 2))
    assert origin.fetched == 2


async def test_value_that_is_too_old_is_waited_for(cached: Cached[int], clock: Clock) -> None:
    await cached.get()
    clock.pass_by(seconds=USABLE)
    assert await cached.get() == 2


async def test_old_value_serves_while_there_is_no_other(
    cached: Cached[int], origin: Origin, clock: Clock
) -> None:
    await cached.get()
    origin.error = ServiceError("down")
    clock.pass_by(seconds=LASTING - 1)
    assert await cached.get() == 1


async def test_value_that_has_expired_serves_no_more(
    cached: Cached[int], origin: Origin, clock: Clock
) -> None:
    await cached.get()
    origin.error = ServiceError("down")
    clock.pass_by(seconds=LASTING)
    with pytest.raises(ServiceError, match="down"):
        await cached.get()


async def test_failure_is_told_without_another_attempt_for_a_while(
    cached: Cached[int], origin: Origin, clock: Clock
) -> None:
    origin.error = ServiceError("down")
    for _ in range(3):
        with pytest.raises(ServiceError, match="down"):
            await cached.get()
        clock.pass_by(seconds=1)
    assert origin.fetched == 1
    clock.pass_by(seconds=RETRY)
    origin.error = None
    assert (await cached.get(), origin.fetched) == (2, 2)


async def test_attempt_waits_as_long_as_the_failure_says(
    cached: Cached[int], origin: Origin, clock: Clock
) -> None:
    class ThrottledError(ServiceError):
        retry_after = 30.0

    origin.error = ThrottledError("too much")
    with pytest.raises(ThrottledError):
        await cached.get()
    clock.pass_by(seconds=29)
    with pytest.raises(ThrottledError):
        await cached.get()
    assert origin.fetched == 1
    clock.pass_by(seconds=1)
    origin.error = None
    assert await cached.get() == 2


async def test_attempt_does_not_wait_for_hours_whatever_the_failure_says(
    cached: Cached[int], origin: Origin, clock: Clock
) -> None:
    class ThrottledError(ServiceError):
        retry_after = 90_000.0

    origin.error = ThrottledError("too much")
    with pytest.raises(ThrottledError):
        await cached.get()
    clock.pass_by(minutes=5)
    origin.error = None
    assert await cached.get() == 2


async def test_old_value_is_not_fetched_more_often_when_that_fails(
    cached: Cached[int], origin: Origin, clock: Clock
) -> None:
    await cached.get()
    origin.error = ServiceError("down")
    clock.pass_by(seconds=USABLE)
    assert [await cached.get() for _ in range(10)] == [1] * 10
    assert origin.fetched == 2


async def test_log_says_why_and_what_serves(
    cached: Cached[int], origin: Origin, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    origin.error = ServiceError("the vault is down")
    with pytest.raises(ServiceError):
        await cached.get()
    clock.pass_by(seconds=RETRY)
    origin.error = None
    await cached.get()
    origin.error = ServiceError("down once more")
    clock.pass_by(seconds=USABLE)
    await cached.get()
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "the vault is down"),
        (logging.WARNING, "down once more; the previous value stays in use"),
    ]


async def test_refused_value_is_fetched_at_once(cached: Cached[int], origin: Origin) -> None:
    assert await cached.renew(await cached.get()) == 2


async def test_refused_value_that_was_renewed_already_is_not_fetched(
    cached: Cached[int], origin: Origin
) -> None:
    refused = await cached.get()
    await cached.renew(refused)
    assert (await cached.renew(refused), origin.fetched) == (2, 2)


async def test_all_who_were_refused_at_once_share_one_attempt(cached: Cached[int], origin: Origin) -> None:
    refused = await cached.get()
    assert await asyncio.gather(*(cached.renew(refused) for _ in range(100))) == [2] * 100
    assert origin.fetched == 2


async def test_value_that_stays_the_same_is_not_fetched_at_every_refusal(clock: Clock) -> None:
    fetched = 0

    async def fetch() -> str:
        nonlocal fetched
        fetched += 1
        return "the same"

    cached = Cached(fetch, fresh=FRESH, usable=USABLE, retry=RETRY, clock=clock)
    await cached.get()
    for _ in range(10):
        assert await cached.renew("the same") == "the same"
    assert fetched == 2
    clock.pass_by(seconds=RETRY)
    await cached.renew("the same")
    assert fetched == 3


async def test_refused_value_is_what_there_is_while_no_other_can_be_fetched(
    cached: Cached[int], origin: Origin
) -> None:
    refused = await cached.get()
    origin.error = ServiceError("down")
    assert await cached.renew(refused) == refused


async def test_value_that_was_learned_elsewhere_replaces_the_fetched_one(
    cached: Cached[int], origin: Origin
) -> None:
    await cached.get()
    cached.put(7)
    assert (await cached.get(), origin.fetched) == (7, 1)


async def test_touch_fetches_in_the_background_what_is_not_fresh(
    cached: Cached[int], origin: Origin, clock: Clock
) -> None:
    cached.touch()
    cached.touch()
    await until(becomes(cached, 1))
    cached.touch()
    clock.pass_by(seconds=FRESH)
    cached.touch()
    await until(becomes(cached, 2))
    assert origin.fetched == 2


async def test_touch_starts_nothing_while_another_loop_fetches(
    cached: Cached[int], origin: Origin, clock: Clock
) -> None:
    origin.gate.clear()
    cached.touch()
    await asyncio.sleep(0)

    async def touch() -> None:
        cached.touch()

    await asyncio.to_thread(asyncio.run, touch())
    assert origin.fetched == 1
    origin.gate.set()
    await until(becomes(cached, 1))


async def test_error_that_cannot_be_copied_is_told_as_it_is(cached: Cached[int], origin: Origin) -> None:
    class OddError(Exception):
        def __init__(self, one: str, two: str) -> None:
            super().__init__(f"{one} {two}")

    origin.error = OddError("it", "failed")
    with pytest.raises(OddError, match="it failed"):
        await cached.get()


def test_value_outlives_the_event_loop_that_fetched_it(clock: Clock) -> None:
    origin = Origin()
    cached = Cached(origin.fetch, fresh=FRESH, usable=USABLE, clock=clock)
    assert [asyncio.run(cached.get()) for _ in range(2)] == [1, 1]


def test_attempt_that_ended_with_its_event_loop_is_made_again(clock: Clock) -> None:
    async def fetch() -> int:
        await gates.pop(0).wait()
        return 1

    async def ask_and_leave() -> None:
        asking = asyncio.create_task(cached.get())
        await asyncio.sleep(0)
        asking.cancel()

    async def ask() -> int:
        open_gate.set()
        return await cached.get()

    open_gate = asyncio.Event()
    gates = [asyncio.Event(), open_gate]
    cached = Cached(fetch, fresh=FRESH, usable=USABLE, clock=clock)
    asyncio.run(ask_and_leave())
    assert asyncio.run(ask()) == 1
