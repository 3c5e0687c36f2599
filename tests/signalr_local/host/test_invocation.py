"""The ids of invocations."""

import subprocess
import sys
from uuid import RFC_4122, UUID

from signalr_local.host.invocation import new_id


def test_an_id_is_a_guid_as_its_readers_know_it() -> None:
    id = UUID(new_id())
    assert (id.version, id.variant) == (4, RFC_4122)


def test_ids_differ_from_their_first_part_on() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert len({id[:8] for id in ids}) == len(ids)


def test_another_process_makes_other_ids_though_an_app_seeds_random() -> None:
    program = (
        "import random; random.seed(1); from signalr_local.host.invocation import new_id; print(new_id())"
    )
    made = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert len(made) == 2
