"""The ids of traces."""

import random

from signalr_local.trace_context import new_trace_id


def test_ids_differ_though_an_app_seeds_random() -> None:
    found = set()
    for _ in range(2):
        random.seed(1)
        found.add(new_trace_id())
    assert len(found) == 2
