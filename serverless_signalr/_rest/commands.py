"""The commands that the operation ``execute`` runs on each connection that passes its filter."""

from collections.abc import Sequence
from dataclasses import dataclass

from serverless_signalr._rest.addressees import group
from serverless_signalr._rest.encoding import message_object
from serverless_signalr.protocol.text import well_formed

__all__ = ["CloseConnection", "Command", "JoinGroup", "LeaveGroup", "SendMessage"]


@dataclass(frozen=True, slots=True)
class SendMessage:
    """A command that invokes ``target`` on a connection."""

    target: str
    arguments: Sequence[object] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the form that the service takes."""
        return {"type": "SendMessage", "message": message_object(self.target, self.arguments)}


@dataclass(frozen=True, slots=True)
class JoinGroup:
    """A command that adds a connection to a group."""

    group_name: str

    def to_dict(self) -> dict[str, object]:
        """Return the form that the service takes."""
        return {"type": "JoinGroup", "group": _name(self.group_name)}


@dataclass(frozen=True, slots=True)
class LeaveGroup:
    """A command that removes a connection from a group."""

    group_name: str

    def to_dict(self) -> dict[str, object]:
        """Return the form that the service takes."""
        return {"type": "LeaveGroup", "group": _name(self.group_name)}


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """A command that closes a connection and sends the client the reason."""

    reason: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the form that the service takes."""
        command: dict[str, object] = {"type": "CloseConnection"}
        return command if self.reason is None else command | {"reason": well_formed(self.reason)}


def _name(group_name: str) -> str:
    group(group_name)  # Validates the name.
    return group_name


type Command = SendMessage | JoinGroup | LeaveGroup | CloseConnection
"""A command of ``execute``."""
