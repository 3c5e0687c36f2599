"""Records of what was sent to the service, which a test can compare."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Concatenate, Literal

from serverless_signalr._hub.clients import target_of
from serverless_signalr._rest.encoding import message_object

__all__ = ["Closed", "GroupAction", "Message", "Recipient", "Sent", "StreamItem", "message"]

type Kind = Literal["all", "connection", "user", "group"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """The recipient of a message: everybody, or one connection, user or group by name."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        return "everybody" if self.kind == "all" else f"the {self.kind} {self.name!r}"


@dataclass(frozen=True, slots=True, init=False)
class Message:
    """A call of ``target`` on clients, as clients receive it.

    ``arguments`` are JSON values, as clients receive them. ``excluded`` are the connections that do not
    receive the message. Two messages are equal if these three values are equal; the recipient and the hub do
    not count.
    """

    target: str
    arguments: tuple[Any, ...]
    excluded: tuple[str, ...] = ()
    to: Recipient = field(default=Recipient("all"), compare=False)
    hub: str = field(default="", compare=False, repr=False)

    def __init__(
        self,
        target: str,
        *arguments: object,
        excluded: Sequence[str] = (),
        to: Recipient = Recipient("all"),
        hub: str = "",
    ) -> None:
        """Take arguments as an app sends them. Dates, bytes, enums and dataclasses are converted."""
        sent: Any = message_object(target, arguments)
        object.__setattr__(self, "target", sent["target"])
        object.__setattr__(self, "arguments", tuple(sent["arguments"]))
        object.__setattr__(self, "excluded", tuple(excluded))
        object.__setattr__(self, "to", to)
        object.__setattr__(self, "hub", hub)

    def __repr__(self) -> str:
        parts = [repr(self.target), *map(repr, self.arguments)]
        if self.excluded:
            parts.append(f"excluded={self.excluded!r}")
        return f"Message({', '.join(parts)})"


def message[**P](
    method: Callable[Concatenate[Any, P], Awaitable[object]], *args: P.args, **kwargs: P.kwargs
) -> Message:
    """Return the message that a call of a client interface's method sends.

    Type checkers check the arguments: ``message(ChatClient.new_message, {"text": "hi"})``.
    """
    target, arguments = target_of(method, args, kwargs)
    return Message(target, *arguments)


@dataclass(frozen=True, slots=True)
class GroupAction:
    """A change of group membership.

    ``group_name`` is None if the change concerns every group.
    """

    action: Literal["add", "remove"]
    group_name: str | None
    connection_id: str | None = None
    user_id: str | None = None
    ttl: timedelta | None = None
    hub: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Closed:
    """A request to close the connections of a recipient, except the excluded ones."""

    to: Recipient
    reason: str | None = None
    excluded: tuple[str, ...] = ()
    hub: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StreamItem:
    """An item of a stream to a client, or the end of the stream.

    The end may have an error.
    """

    connection_id: str
    stream_id: str
    item: Any = None
    is_end: bool = False
    error: str | None = None
    hub: str = field(default="", compare=False, repr=False)


type Record = Message | GroupAction | Closed | StreamItem


class Sent:
    """The records of what was sent, oldest first.

    Names of groups, users and connections are compared exactly, as the service compares them. Use ``on`` to
    see one hub only.
    """

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self._records = list(records)

    @property
    def everything(self) -> list[Record]:
        """Return all records in the order in which they were sent.

        They are messages, group actions, closings and stream items.
        """
        return list(self._records)

    @property
    def messages(self) -> list[Message]:
        """Return the messages to all recipients.

        ``Message.to`` has the recipient of each.
        """
        return self._of(Message)

    @property
    def to_all(self) -> list[Message]:
        """Return the messages to everybody."""
        return self._to(Recipient("all"))

    def to_group(self, group_name: str) -> list[Message]:
        """Return the messages to a group."""
        return self._to(Recipient("group", group_name))

    def to_user(self, user_id: str) -> list[Message]:
        """Return the messages to a user."""
        return self._to(Recipient("user", user_id))

    def to_connection(self, connection_id: str) -> list[Message]:
        """Return the messages to a single connection.

        A connection also receives messages to its user, to its groups and to everybody.
        """
        return self._to(Recipient("connection", connection_id))

    @property
    def group_actions(self) -> list[GroupAction]:
        """Return the changes of group membership."""
        return self._of(GroupAction)

    @property
    def closed(self) -> list[Closed]:
        """Return the requests to close connections."""
        return self._of(Closed)

    def stream(self, connection_id: str, stream_id: str) -> list[Any]:
        """Return the items of a stream."""
        return [item.item for item in self._stream(connection_id, stream_id) if not item.is_end]

    def stream_end(self, connection_id: str, stream_id: str) -> StreamItem | None:
        """Return the end of a stream, or None if it has not ended."""
        return next((item for item in self._stream(connection_id, stream_id) if item.is_end), None)

    def on(self, hub: str) -> "Sent":
        """Return what was sent on one hub."""
        return Sent([record for record in self._records if record.hub.lower() == hub.lower()])

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        shown = [
            f"{record!r} to {record.to}" if isinstance(record, Message) else repr(record)
            for record in self._records
        ]
        return f"<{type(self).__name__}: {'; '.join(shown) or 'nothing'}>"

    def _of[T](self, kind: type[T]) -> list[T]:
        return [record for record in self._records if isinstance(record, kind)]

    def _to(self, recipient: Recipient) -> list[Message]:
        return [item for item in self.messages if item.to == recipient]

    def _stream(self, connection_id: str, stream_id: str) -> list[StreamItem]:
        wanted = (connection_id, stream_id)
        return [item for item in self._of(StreamItem) if (item.connection_id, item.stream_id) == wanted]
