"""What waits for clients that read slowly: bounded for each of them, and for all of them together."""

from typing import Protocol

__all__ = ["Backlog", "Holder"]


class Holder(Protocol):
    """Something in which bytes wait for one client."""

    @property
    def size(self) -> int:
        """How many bytes wait."""

    def cut_off(self) -> None:
        """Give the client up, because too much waits for it."""


class Backlog:
    """Count what waits for all clients, and cut the largest off where it is more than ``total`` bytes.

    More than ``limit`` bytes for one client are too much as well, unless it is a single message.
    """

    __slots__ = ("_holders", "limit", "size", "total")

    def __init__(self, limit: int, total: int) -> None:
        self.limit = limit
        self.total = total
        self.size = 0
        self._holders: dict[Holder, int] = {}

    def update(self, holder: Holder, messages: int) -> None:
        """Take note of what waits in a holder now, in so many messages; cut off who holds too much."""
        size = holder.size
        self.size += size - self._holders.get(holder, 0)
        if size:
            self._holders[holder] = size
        else:
            self._holders.pop(holder, None)
        if size > self.limit and messages > 1:
            self._cut_off(holder)
        while self.size > self.total and len(self._holders) > 1:
            self._cut_off(max(self._holders, key=self._holders.__getitem__))

    def remove(self, holder: Holder) -> None:
        """Forget a holder."""
        self.size -= self._holders.pop(holder, 0)

    def _cut_off(self, holder: Holder) -> None:
        self.remove(holder)
        holder.cut_off()
