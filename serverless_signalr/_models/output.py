"""The messages and group actions that functions put out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from serverless_signalr._models.negotiation import SignalREndpoint
from serverless_signalr.protocol.names import check_group_name, check_id
from serverless_signalr.protocol.text import well_formed
from serverless_signalr.protocol.values import to_builtins

__all__ = ["SignalRGroupAction", "SignalRMessage", "SignalROutput"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRMessage:
    """A call of ``target`` on all clients, or on those of one connection, user or group.

    Raise ValueError for an empty target, and for several recipients, because the service would silently use
    only one of them. Raise TypeError or ValueError for ids and arguments that cannot be sent.
    """

    target: str
    arguments: Sequence[object] = ()
    connection_id: str | None = None
    user_id: str | None = None
    group_name: str | None = None
    endpoints: Sequence[SignalREndpoint] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.target, str):
            raise TypeError(f"the target of a message is {self.target!r}, expected text")
        if not self.target:
            raise ValueError("the target of a message must not be empty")
        if isinstance(self.arguments, str | bytes | bytearray) or not isinstance(self.arguments, Sequence):
            raise TypeError(
                f"the arguments of a message are a {type(self.arguments).__name__}, expected a list"
            )
        # Fail where the message is created, not where it is sent after the function has returned.
        to_builtins(list(self.arguments))
        _check_addressees(connection_id=self.connection_id, user_id=self.user_id, group_name=self.group_name)
        if self.group_name is not None:
            check_group_name(self.group_name)

    def to_dict(self) -> dict[str, object]:
        """Return the form that the ``signalR`` binding takes."""
        return _present(
            target=well_formed(self.target),
            arguments=to_builtins(list(self.arguments)),
            connectionId=self.connection_id,
            userId=self.user_id,
            groupName=self.group_name,
            endpoints=None if self.endpoints is None else [item.to_dict() for item in self.endpoints],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRGroupAction:
    """A change of the groups of one connection, or of all connections of one user.

    ``removeAll`` removes a user from every group and takes no group name. Raise ValueError for combinations
    that the extension refuses or silently ignores, and TypeError or ValueError for ids that cannot be sent.
    """

    action: Literal["add", "remove", "removeAll"]
    group_name: str | None = None
    connection_id: str | None = None
    user_id: str | None = None
    endpoints: Sequence[SignalREndpoint] | None = None

    def __post_init__(self) -> None:
        if self.action not in ("add", "remove", "removeAll"):
            raise ValueError(f"the group action is {self.action!r}, expected add, remove or removeAll")
        _check_addressees(connection_id=self.connection_id, user_id=self.user_id)
        if self.connection_id is None and self.user_id is None:
            raise ValueError(f"{self.action} needs a connection_id or a user_id")
        if self.action == "removeAll":
            if self.user_id is None or self.group_name is not None:
                raise ValueError("removeAll takes a user_id, and neither a connection_id nor a group_name")
        elif self.group_name is None:
            raise ValueError(f"{self.action} needs a group_name")
        else:
            check_group_name(self.group_name)
            check_id("group name", self.group_name)

    def to_dict(self) -> dict[str, object]:
        """Return the form that the ``signalR`` binding takes."""
        return _present(
            action=self.action,
            groupName=self.group_name,
            connectionId=self.connection_id,
            userId=self.user_id,
            endpoints=None if self.endpoints is None else [item.to_dict() for item in self.endpoints],
        )


class SignalROutput:
    """Messages and group actions that the host sends, in order, after the function has returned.

    If the function raises, nothing is sent. The host sends the items one by one. It stops at the first that
    the service refuses, and the invocation fails.
    """

    def __init__(self) -> None:
        self._items: list[SignalRMessage | SignalRGroupAction] = []

    @property
    def items(self) -> Sequence[SignalRMessage | SignalRGroupAction]:
        """Return the items collected so far, oldest first."""
        return tuple(self._items)

    def __repr__(self) -> str:
        return f"SignalROutput({', '.join(map(repr, self._items))})"

    def append(self, item: SignalRMessage | SignalRGroupAction) -> None:
        """Add a message or a group action. Raise TypeError for anything else."""
        if not isinstance(item, SignalRMessage | SignalRGroupAction):
            raise TypeError(
                f"a SignalROutput takes a SignalRMessage or a SignalRGroupAction, not a {type(item).__name__}"
            )
        self._items.append(item)

    def send(
        self,
        target: str,
        *arguments: object,
        connection_id: str | None = None,
        user_id: str | None = None,
        group_name: str | None = None,
    ) -> None:
        """Invoke ``target`` on all clients, or on those of one connection, one user or one group."""
        self.append(
            SignalRMessage(
                target=target,
                arguments=arguments,
                connection_id=connection_id,
                user_id=user_id,
                group_name=group_name,
            )
        )

    def add_to_group(
        self, group_name: str, *, connection_id: str | None = None, user_id: str | None = None
    ) -> None:
        """Add one connection, or all connections of one user, to a group."""
        self.append(
            SignalRGroupAction(
                action="add", group_name=group_name, connection_id=connection_id, user_id=user_id
            )
        )

    def remove_from_group(
        self, group_name: str, *, connection_id: str | None = None, user_id: str | None = None
    ) -> None:
        """Remove one connection, or all connections of one user, from a group."""
        self.append(
            SignalRGroupAction(
                action="remove", group_name=group_name, connection_id=connection_id, user_id=user_id
            )
        )

    def remove_from_all_groups(self, user_id: str) -> None:
        """Remove all connections of one user from every group."""
        self.append(SignalRGroupAction(action="removeAll", user_id=user_id))


def _check_addressees(**addressees: Any) -> None:
    given = [name for name, value in addressees.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are given, expected one of them")
    for name in given:
        if addressees[name] == "":
            raise ValueError(f"{name} must not be empty")
        # The extension writes ids into a URL too, after the function has returned.
        check_id(name.replace("_", " "), addressees[name])


def _present(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
