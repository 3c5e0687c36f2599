"""The interface of stores, through which answers can be resumed and cancelled from anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from serverless_signalr._answers.pieces import AnswerPiece

__all__ = ["AnswerConflictError", "AnswerExistsError", "AnswerState", "AnswerStore", "StoredAnswer"]


class AnswerState(StrEnum):
    """The state of a stored answer.

    ``cancelling`` asks the function that streams the answer to stop.
    """

    STREAMING = "streaming"
    CANCELLING = "cancelling"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Return whether no more pieces will follow."""
        return self not in (AnswerState.STREAMING, AnswerState.CANCELLING)


class AnswerConflictError(Exception):
    """A write to an answer that has changed since the version that was passed, or that is gone."""


class AnswerExistsError(ValueError):
    """An attempt to create an answer with an id that is already in use.

    Each answer needs an id of its own.
    """


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it is stored.

    ``pieces`` are the pieces after the one that was asked for, as far as they still exist. ``last`` is the
    number of the newest piece. ``text`` is the whole text, or None if parts of it are gone. ``silent_for`` is
    the time in seconds since the last change.
    """

    answer_id: str
    owner: str
    audience: str | None
    state: AnswerState
    last: int
    silent_for: float
    version: object = field(repr=False)
    pieces: Sequence[AnswerPiece] = field(default=(), repr=False)
    text: str | None = field(default=None, repr=False)


class AnswerStore(Protocol):
    """The interface of a store that keeps the pieces of answers for a while.

    Implement it to keep answers in another place. A version identifies the state of an answer when it was
    written or read. Every change passes the version that it is based on, and fails with AnswerConflictError
    if there is a newer one. This is how the function that streams an answer learns that it was cancelled
    without reading anything.
    """

    async def create(self, answer_id: str, owner: str, audience: str | None) -> object:
        """Begin an answer, and return its version.

        Raise AnswerExistsError if the id is already in use.
        """
        ...

    async def append(
        self, answer_id: str, version: object, pieces: Sequence[AnswerPiece], state: AnswerState
    ) -> object:
        """Add pieces, set the state, and return the new version.

        Raise AnswerConflictError if the version is outdated or the answer is gone.
        """
        ...

    async def read(self, answer_id: str, since: int = 0) -> StoredAnswer | None:
        """Return an answer with its pieces after ``since``.

        Return None if there is no such answer or it has expired.
        """
        ...
