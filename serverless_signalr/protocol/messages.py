"""The messages of the hub protocol, independent of their encoding."""

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
    """A message violates the hub protocol."""


class _NoResult(Enum):
    NO_RESULT = "no result"


NO_RESULT: Final = _NoResult.NO_RESULT
"""The result of a completion without a result, as distinct from null."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of ``target``. Without ``invocation_id`` the caller expects no completion."""

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
    """A call of ``target`` that returns a stream of items."""

    target: str
    arguments: list[object]
    invocation_id: str
    headers: dict[str, str] = field(default_factory=dict)
    stream_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CancelInvocation:
    """A request to end a stream early."""

    invocation_id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """A sign that the connection is alive."""


@dataclass(frozen=True, slots=True)
class Close:
    """The announcement that the connection is about to close."""

    error: str | None = None
    allow_reconnect: bool = False


@dataclass(frozen=True, slots=True)
class Ack:
    """The sequence number of the last message received; part of stateful reconnect."""

    sequence_id: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """The sequence number of the next message on a resumed connection; part of stateful reconnect."""

    sequence_id: int


type HubMessage = (
    Invocation | StreamItem | Completion | StreamInvocation | CancelInvocation | Ping | Close | Ack | Sequence
)
