"""The ids of invocations."""

import random
from uuid import UUID

from signalr_local.host.invocation import new_id


def test_an_id_is_a_random_uuid() -> None:
    assert UUID(new_id()).version == 4


def test_ids_differ_though_an_app_seeds_random() -> None:
    found = set()
    for _ in range(2):
        random.seed(1)
        found.add(new_id())
    assert len(found) == 2
