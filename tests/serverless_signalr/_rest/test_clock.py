"""The clock of tokens, which a test environment sets."""

import contextvars
import threading
import time

from serverless_signalr._rest import clock


def test_time_is_that_of_the_machine() -> None:
    before = time.time()
    assert before <= clock.now() <= time.time()


def test_time_of_another_clock_ends_with_the_block() -> None:
    with clock.following(lambda: 5.0):
        with clock.following(lambda: 7.0):
            assert clock.now() == 7
        assert clock.now() == 5
    assert clock.now() > 1_000_000


def test_another_clock_is_followed_in_its_context_only() -> None:
    context = contextvars.copy_context()
    context.run(clock.follow, lambda: 5.0)
    assert (context.run(clock.now), clock.now() > 1_000_000) == (5, True)


def test_time_runs_ahead_in_every_thread() -> None:
    found: list[float] = []
    clock.set_ahead(3600)
    try:
        thread = threading.Thread(target=lambda: found.append(clock.now()))
        thread.start()
        thread.join()
        with clock.following(lambda: 5.0):
            assert clock.now() == 5
    finally:
        clock.set_ahead(0)
    assert found[0] > time.time() + 3000
