"""How deep a value is nested."""

import pytest

from signalr_local.emulator.depth import is_deeper


@pytest.mark.parametrize(
    ("value", "levels"),
    [(1, 0), ("[[[", 0), ([], 1), ({}, 1), ([1, {"a": 2}], 2), ({"a": [[]], "b": 1}, 3), ([[[[]]], []], 4)],
)
def test_levels_are_those_of_lists_and_maps(value: object, levels: int) -> None:
    assert not is_deeper(value, levels)
    assert levels == 0 or is_deeper(value, levels - 1)


def test_a_value_that_recursion_could_not_follow_is_deep() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    assert is_deeper(value, 64)
