"""Who is in a hub: connections, users, groups, and the groups that the service remembers for a user.

State only, no I/O. Source: the service's docs/advanced-topics/group-management.md.
"""

import heapq
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["MAX_REMEMBERED", "Hub", "Hubs", "Member", "near_match"]

MAX_REMEMBERED = 100
"""How many groups without ``ttl`` are remembered for one user; the latest stay."""

_FEW = 1000
_YEAR = 365 * 24 * 60 * 60.0


class Member(Protocol):
    """What a hub needs to know of a connection."""

    @property
    def connection_id(self) -> str: ...

    @property
    def user_id(self) -> str | None: ...


@dataclass(slots=True)
class _Entry:
    expires: float
    has_ttl: bool


class Hub[C: Member]:
    """Keep the members of one hub. Names of users and groups are case-sensitive.

    A connection's membership of a group ends with the connection. A user's membership outlives it: later
    connections of the user join, as long as the entry lives. A group exists while it has a connection.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.connections: dict[str, C] = {}
        self.users: dict[str, dict[str, C]] = {}
        self.groups: dict[str, dict[str, C]] = {}
        self._groups_of: dict[str, set[str]] = {}
        self._remembered: dict[str, dict[str, _Entry]] = {}
        self._ends: list[tuple[float, str, str]] = []
        self._most_ends = _FEW
        self._clock = clock

    @property
    def remembered(self) -> int:
        """How many memberships of users are remembered, expired ones that are still kept included."""
        return sum(map(len, self._remembered.values()))

    def add(self, connection: C) -> None:
        """Take a connection in, and into the groups that are remembered for its user."""
        self._drop_expired()
        self.connections[connection.connection_id] = connection
        self._groups_of[connection.connection_id] = set()
        if connection.user_id is not None:
            self.users.setdefault(connection.user_id, {})[connection.connection_id] = connection
            for group in self._live_entries(connection.user_id):
                self._join(connection, group)

    def remove(self, connection: C) -> None:
        """Take a connection out, also of its groups. One that is not there is no error."""
        if self.connections.pop(connection.connection_id, None) is None:
            return
        for group in self._groups_of.pop(connection.connection_id):
            _discard(self.groups, group, connection.connection_id)
        if connection.user_id is not None:
            _discard(self.users, connection.user_id, connection.connection_id)

    def add_to_group(self, connection_id: str, group: str) -> bool:
        """Put a connection into a group; tell whether there is such a connection."""
        connection = self.connections.get(connection_id)
        if connection is None:
            return False
        self._join(connection, group)
        return True

    def remove_from_group(self, connection_id: str, group: str) -> bool:
        """Take a connection out of a group it may be in; tell whether there is such a connection."""
        if connection_id not in self.connections:
            return False
        self._leave(connection_id, group)
        return True

    def remove_from_all_groups(self, connection_id: str) -> None:
        """Take a connection out of every group. One that is not there is no error."""
        for group in self._groups_of.get(connection_id, set()).copy():
            self._leave(connection_id, group)

    def add_user_to_group(self, user_id: str, group: str, ttl: float | None = None) -> None:
        """Put a user's connections into a group and remember it for those to come, for ``ttl`` seconds.

        Without ``ttl`` it is remembered for a year, 100 groups a user; with 0 it is not remembered.
        """
        self._drop_expired()
        for connection in self.users.get(user_id, {}).values():
            self._join(connection, group)
        entries = self._live_entries(user_id)
        # Added anew it counts as the latest.
        entries.pop(group, None)
        if ttl != 0:
            expires = self._clock() + (_YEAR if ttl is None else ttl)
            entries[group] = _Entry(expires, ttl is not None)
            lasting = [name for name, entry in entries.items() if not entry.has_ttl]
            for name in lasting[:-MAX_REMEMBERED]:
                del entries[name]
        self._keep_entries(user_id, entries)
        if group in entries and ttl is not None:
            self._note_end(entries[group].expires, user_id, group)

    def remove_user_from_group(self, user_id: str, group: str) -> None:
        """Forget a group of a user and take out all its connections, even those that joined on their own."""
        for connection_id in self.users.get(user_id, {}):
            self._leave(connection_id, group)
        entries = self._live_entries(user_id)
        entries.pop(group, None)
        self._keep_entries(user_id, entries)

    def remove_user_from_all_groups(self, user_id: str) -> None:
        """Forget all groups of a user and take its connections out of every group."""
        for connection_id in self.users.get(user_id, {}):
            self.remove_from_all_groups(connection_id)
        self._remembered.pop(user_id, None)

    def is_user_in_group(self, user_id: str, group: str) -> bool:
        """Tell whether the group is remembered for the user, whatever its connections joined themselves."""
        return group in self._live_entries(user_id)

    def groups_of(self, connection_id: str) -> Collection[str]:
        """Return the groups of a connection; one that is not there is in none."""
        return frozenset(self._groups_of.get(connection_id, ()))

    def in_hub(self, excluded: Collection[str] = ()) -> list[C]:
        """Return all connections but the excluded ones."""
        return _without(self.connections, excluded)

    def of_user(self, user_id: str) -> list[C]:
        """Return the connections of a user."""
        return _without(self.users.get(user_id, {}), ())

    def in_group(self, group: str, excluded: Collection[str] = ()) -> list[C]:
        """Return the connections of a group but the excluded ones."""
        return _without(self.groups.get(group, {}), excluded)

    def _join(self, connection: C, group: str) -> None:
        self.groups.setdefault(group, {})[connection.connection_id] = connection
        self._groups_of[connection.connection_id].add(group)

    def _leave(self, connection_id: str, group: str) -> None:
        self._groups_of[connection_id].discard(group)
        _discard(self.groups, group, connection_id)

    def _live_entries(self, user_id: str) -> dict[str, _Entry]:
        now = self._clock()
        entries = self._remembered.get(user_id, {})
        return {group: entry for group, entry in entries.items() if entry.expires > now}

    def _note_end(self, expires: float, user_id: str, group: str) -> None:
        heapq.heappush(self._ends, (expires, user_id, group))
        if len(self._ends) > self._most_ends:
            # Those that were renewed again and again are many by now, and mean nothing.
            self._ends = [
                (entry.expires, user, name)
                for user, entries in self._remembered.items()
                for name, entry in entries.items()
                if entry.has_ttl
            ]
            heapq.heapify(self._ends)
            self._most_ends = max(_FEW, 2 * len(self._ends))

    def _drop_expired(self) -> None:
        """Forget the memberships whose time is over; one that was renewed meanwhile stays."""
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            _, user_id, group = heapq.heappop(self._ends)
            entries = self._remembered.get(user_id, {})
            if group in entries and entries[group].expires <= now:
                del entries[group]
                self._keep_entries(user_id, entries)

    def _keep_entries(self, user_id: str, entries: dict[str, _Entry]) -> None:
        if entries:
            self._remembered[user_id] = entries
        else:
            self._remembered.pop(user_id, None)


class Hubs[C: Member]:
    """Find hubs by name, without regard to case. A hub is there from its first use on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._hubs: dict[str, Hub[C]] = {}
        self._clock = clock

    def __getitem__(self, name: str) -> Hub[C]:
        key = name.lower()
        if key not in self._hubs:
            self._hubs[key] = Hub(key, self._clock)
        return self._hubs[key]

    def __iter__(self) -> Iterator[Hub[C]]:
        return iter(self._hubs.values())

    def clear(self) -> None:
        """Forget everything, the groups that are remembered for users included."""
        self._hubs.clear()


def near_match(name: str, names: Iterable[str]) -> str | None:
    """Return the name that differs from ``name`` in case only."""
    lowered = name.lower()
    return next((other for other in names if other != name and other.lower() == lowered), None)


def _discard[C](sets: dict[str, dict[str, C]], name: str, connection_id: str) -> None:
    members = sets.get(name)
    if members is not None:
        members.pop(connection_id, None)
        if not members:
            del sets[name]


def _without[C](members: dict[str, C], excluded: Collection[str]) -> list[C]:
    if not excluded:
        return list(members.values())
    return [connection for connection_id, connection in members.items() if connection_id not in excluded]
