"""The messages of the hub protocol, whatever bytes they travel as."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

__all__ = [
    "NO_RESULT",
    "Ack",
    "CancelInvocation",
    "Close",
    "Completion",
    "HubMessage",
    "Invocation",
    "Ping",
    "ProtocolError",
    "Sequence",
    "StreamInvocation",
    "StreamItem",
]


class ProtocolError(ValueError):
    """A rule of the hub protocol that a message breaks."""


class _NoResult(Enum):
    NO_RESULT = "no result"


NO_RESULT: Final = _NoResult.NO_RESULT
"""The result of a completion that carries none, which is not the same as null."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of ``target``. Without ``invocation_id`` the caller waits for no answer."""

    target: str
    arguments: list[object]
    invocation_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    stream_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StreamItem:
    """One item of a stream."""

    invocation_id: str
    item: object


@dataclass(frozen=True, slots=True)
class Completion:
    """The end of an invocation or a stream: with a result, with an error, or with neither."""

    invocation_id: str
    result: object = NO_RESULT
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StreamInvocation:
    """A call of ``target`` that asks for a stream of items."""

    target: str
    arguments: list[object]
    invocation_id: str
    headers: dict[str, str] = field(default_factory=dict)
    stream_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CancelInvocation:
    """A request for no more items of a stream."""

    invocation_id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """A sign that the connection is alive."""


@dataclass(frozen=True, slots=True)
class Close:
    """The announcement that the connection ends."""

    error: str | None = None
    allow_reconnect: bool = False


@dataclass(frozen=True, slots=True)
class Ack:
    """What the other side has received, up to the message with this number: stateful reconnect."""

    sequence_id: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """The number of the message that comes next, on a connection that was resumed: stateful reconnect."""

    sequence_id: int


type HubMessage = (
    Invocation | StreamItem | Completion | StreamInvocation | CancelInvocation | Ping | Close | Ack | Sequence
)
