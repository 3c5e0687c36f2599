"""Hosts for the recorded cases: they run in this process, in UTC, as the real ones did."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def utc() -> Iterator[None]:
    """Make UTC the time zone: times with an offset are turned into the host's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()
