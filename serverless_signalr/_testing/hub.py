"""The clients and groups of one hub, as the service keeps them."""

import itertools
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from serverless_signalr._testing.sent import Closed, GroupAction, Message, Recipient, Record, StreamItem
from serverless_signalr.protocol.claims import Claims

__all__ = ["FakeConnection", "FakeHub"]

type Answer = Callable[..., object | Awaitable[object]] | object


@dataclass(eq=False)
class FakeConnection:
    """A client connection of a FakeService.

    ``received`` has every message that was sent to the client: to this connection alone, to its user, to one
    of its groups or to everybody. ``closed`` is None while the connection is open.
    """

    id: str
    user_id: str | None = None
    claims: Claims = field(default_factory=dict, repr=False)
    hub: str = ""
    received: list[Message] = field(default_factory=list, repr=False)
    groups: set[str] = field(default_factory=set)
    streams: dict[str, list[Any]] = field(default_factory=dict, repr=False)
    closed: Closed | None = None
    answers: dict[str, Answer] = field(default_factory=dict, repr=False)

    @property
    def connection_token(self) -> str:
        """Return the secret with which the client refreshes its authentication."""
        return f"token-of-{self.id}"

    def answer(self, target: str, answer: Answer) -> None:
        """Answer ``ask(target, …)`` with a value, or with the result of a function of the arguments.

        The function may be async. If it raises an exception, the client answers with that error.
        """
        self.answers[target] = answer


class FakeHub:
    """The connections of one hub, and the groups that they are in."""

    def __init__(
        self, name: str, log: Callable[[Record], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.connections: dict[str, FakeConnection] = {}
        self._user_groups: dict[tuple[str, str], float] = {}
        self._log = log
        self._clock = clock
        self._numbers = itertools.count(1)

    def connect(
        self,
        connection_id: str | None = None,
        user_id: str | None = None,
        claims: Mapping[str, str | Sequence[str]] | None = None,
    ) -> FakeConnection:
        """Add a connection to the hub and to the groups of its user.

        Raise ValueError if the id is already in use.
        """
        id = connection_id or self._new_id()
        if id in self.connections:
            raise ValueError(f"the connection {id!r} is connected already: choose another connection_id")
        found = FakeConnection(id, user_id, as_claims(claims), self.name)
        found.groups = {group for user, group in self._lasting() if user == user_id}
        self.connections[id] = found
        return found

    def disconnect(self, connection_id: str) -> None:
        """Remove a connection from the hub and from all groups."""
        self.connections.pop(connection_id, None)

    def members(self, recipient: Recipient) -> list[FakeConnection]:
        """Return the connections of a recipient."""
        match recipient.kind:
            case "all":
                return list(self.connections.values())
            case "connection":
                return [each for each in self.connections.values() if each.id == recipient.name]
            case "user":
                return [each for each in self.connections.values() if each.user_id == recipient.name]
            case "group":
                return [each for each in self.connections.values() if recipient.name in each.groups]

    def send(self, message: Message) -> None:
        """Deliver a message."""
        self._log(message)
        for connection in self.members(message.to):
            if connection.id not in message.excluded:
                connection.received.append(message)

    def change(self, action: GroupAction) -> None:
        """Add a connection or a user to a group, or remove it from one group or all.

        A change of a user also applies to connections that the user opens later.
        """
        self._log(action)
        if action.user_id is not None:
            moved = self.members(Recipient("user", action.user_id))
            self._remember(action)
        else:
            moved = self.members(Recipient("connection", action.connection_id or ""))
        for connection in moved:
            if action.group_name is None:
                connection.groups.clear()
            elif action.action == "add":
                connection.groups.add(action.group_name)
            else:
                connection.groups.discard(action.group_name)

    def has_user(self, user_id: str, group_name: str) -> bool:
        """Return whether a user was added to a group."""
        return (user_id, group_name) in self._lasting()

    def close(self, closed: Closed) -> None:
        """Close the connections of a recipient."""
        self._log(closed)
        for connection in self.members(closed.to):
            if connection.id not in closed.excluded:
                connection.closed = closed
                self.disconnect(connection.id)

    def stream(self, item: StreamItem) -> None:
        """Deliver an item of a stream."""
        self._log(item)
        for connection in self.members(Recipient("connection", item.connection_id)):
            items = connection.streams.setdefault(item.stream_id, [])
            if not item.is_end:
                items.append(item.item)

    def _remember(self, action: GroupAction) -> None:
        user_id, group_name = action.user_id or "", action.group_name
        if action.action == "add" and group_name is not None:
            lasts = timedelta(days=365) if action.ttl is None else action.ttl
            self._user_groups[user_id, group_name] = self._clock() + lasts.total_seconds()
        else:
            for key in [key for key in self._user_groups if key[0] == user_id]:
                if group_name in (None, key[1]):
                    del self._user_groups[key]

    def _lasting(self) -> Iterable[tuple[str, str]]:
        now = self._clock()
        return {key for key, until in self._user_groups.items() if until > now}

    def _new_id(self) -> str:
        return next(id for id in (f"c{number}" for number in self._numbers) if id not in self.connections)


def as_claims(claims: Mapping[str, str | Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    """Return claims as a function receives them, each with all of its values."""
    given = claims or {}
    return {name: (value,) if isinstance(value, str) else tuple(value) for name, value in given.items()}
