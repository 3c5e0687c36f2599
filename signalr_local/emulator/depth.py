"""How deep a value is nested."""

__all__ = ["is_deeper"]


def is_deeper(value: object, levels: int) -> bool:
    """Tell whether lists and maps are nested in more than this many levels; a scalar has none."""
    level = [value]
    for _ in range(levels):
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)
