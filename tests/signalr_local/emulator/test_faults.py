"""Faults that are asked for: each is used once, in order, by what it is for."""

import pytest

from signalr_local.clock import Clock
from signalr_local.emulator.faults import Fault, Faults


class InstantClock(Clock):
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
def faults(clock: InstantClock) -> Faults:
    return Faults(clock)


async def test_nothing_goes_wrong_unless_asked_for(faults: Faults) -> None:
    assert (await faults.event("echo"), await faults.request()) == (None, None)


async def test_fault_is_used_as_often_as_asked_for(faults: Faults) -> None:
    faults.upstream(503, times=2)
    found = [await faults.event("echo") for _ in range(3)]
    assert [fault and fault.status for fault in found] == [503, 503, None]


async def test_fault_of_an_event_waits_for_that_event(faults: Faults) -> None:
    faults.lose("disconnected")
    assert await faults.event("echo") is None
    assert await faults.event("Disconnected") == Fault(is_lost=True, event="disconnected")


async def test_delay_passes_on_the_clock_of_the_emulator(faults: Faults, clock: InstantClock) -> None:
    faults.upstream(delay=2.5)
    await faults.event("echo")
    assert clock.slept == [2.5]


async def test_rest_api_answers_with_the_status_and_when_to_come_back(faults: Faults) -> None:
    faults.rest(429, retry_after=3)
    response = await faults.request()
    assert response is not None
    assert (response.status, response.headers["Retry-After"]) == (429, "3")


async def test_rest_api_that_is_only_slow_answers_as_usual(faults: Faults, clock: InstantClock) -> None:
    faults.rest(delay=1)
    assert await faults.request() is None
    assert clock.slept == [1]


async def test_cleared_faults_do_not_happen(faults: Faults) -> None:
    faults.upstream(500)
    faults.rest(500)
    faults.clear()
    assert faults.pending == 0


@pytest.mark.parametrize("status", [200, 302, 600])
def test_status_that_is_no_error_is_refused(faults: Faults, status: int) -> None:
    with pytest.raises(ValueError, match="expected that of an error"):
        faults.rest(status)


@pytest.mark.parametrize("delay", [-1, float("inf"), float("nan")])
def test_delay_without_an_end_is_refused(faults: Faults, delay: float) -> None:
    with pytest.raises(ValueError, match="expected 0 or more"):
        faults.upstream(delay=delay)


@pytest.mark.parametrize("times", [0, 10_000_000])
def test_number_of_times_is_checked(faults: Faults, times: int) -> None:
    with pytest.raises(ValueError, match="times is"):
        faults.rest(500, times=times)
