"""Clients, a clock, and stores for answers."""

import pytest

from serverless_signalr._answers.memory import MemoryAnswerStore
from tests.serverless_signalr._answers.streams import Clients, FakeClock


@pytest.fixture
def time() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def clients() -> Clients:
    """Return clients that keep what they receive."""
    return Clients()


@pytest.fixture
def store(time: FakeClock) -> MemoryAnswerStore:
    """Return an empty store in memory that goes by the same clock."""
    return MemoryAnswerStore(single_instance=True, clock=time.time)
