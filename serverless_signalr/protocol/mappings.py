"""Read-only mappings for the headers and the query of a request and the claims of a token."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["CaseInsensitiveMapping", "ReadOnlyMapping"]

_CREDENTIALS = frozenset(
    {
        # Of the query with which a client connects.
        "access_token",
        "id",
        # Of the headers of an upstream request.
        "authorization",
        "cookie",
        "x-asrs-client-query",
        "x-asrs-signature",
        "x-functions-key",
    }
)


class _Credential(str):
    """A text with a masked ``repr``, so that a dict that contains it can be logged."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class ReadOnlyMapping[V](Mapping[str, V]):
    """An immutable mapping that can be copied and pickled."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, V]) -> None:
        self._items = dict(items)

    def __getitem__(self, name: str) -> V:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(self._items)


class CaseInsensitiveMapping(Mapping[str, str]):
    """A mapping of case-insensitive names to texts. Comparisons ignore the case of names too.

    Iteration yields the names as they were given. Several values of one name are joined by commas. A
    credential, such as ``access_token``, can be read like any other value, but is masked in ``repr``.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        self._items: dict[str, tuple[str, str]] = {}
        for name, value in items.items() if isinstance(items, Mapping) else items:
            folded = name.lower()
            if folded in self._items:
                name, before = self._items[folded]
                value = f"{before},{value}"
            self._items[folded] = (name, _Credential(value) if folded in _CREDENTIALS else value)

    def __getitem__(self, name: str) -> str:
        if not isinstance(name, str):
            raise KeyError(name)
        return self._items[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return _folded(self) == _folded(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(dict(self._items.values()))


def _folded(items: Mapping[Any, Any]) -> dict[object, object]:
    return {name.lower() if isinstance(name, str) else name: value for name, value in items.items()}
