"""What keeps answers, so that they can be resumed and cancelled from anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from serverless_signalr._answers.pieces import AnswerPiece

__all__ = ["AnswerConflictError", "AnswerExistsError", "AnswerState", "AnswerStore", "StoredAnswer"]


class AnswerState(StrEnum):
    """How far a stored answer is. ``cancelling`` asks the function that streams it to stop."""

    STREAMING = "streaming"
    CANCELLING = "cancelling"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Tell whether no more pieces will follow."""
        return self not in (AnswerState.STREAMING, AnswerState.CANCELLING)


class AnswerConflictError(Exception):
    """The stored answer has changed since the version that was passed, or it is gone."""


class AnswerExistsError(ValueError):
    """There is an answer with this id already: each answer needs an id of its own."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as a store has it.

    ``pieces`` are those after the one that was asked for, as far as they are still there; ``last`` is the
    number of the newest piece. ``text`` is the whole text, None where parts of it are gone. ``silent_for`` is
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
    """Keeps the pieces of answers for a while. Implement it to keep them anywhere else.

    A version stands for what an answer was when it was written or read. Every change names the version that
    it is based on and fails with AnswerConflictError if there is a newer one: that is how the function that
    streams an answer learns that it was cancelled, without reading anything.
    """

    async def create(self, answer_id: str, owner: str, audience: str | None) -> object:
        """Begin an answer and return its version. Raise AnswerExistsError where there is one with this id."""
        ...

    async def append(
        self, answer_id: str, version: object, pieces: Sequence[AnswerPiece], state: AnswerState
    ) -> object:
        """Add pieces, set the state, and return the new version.

        Raise AnswerConflictError where the version is an old one or the answer is gone.
        """
        ...

    async def read(self, answer_id: str, since: int = 0) -> StoredAnswer | None:
        """Return an answer with its pieces after ``since``, None where there is none or it has expired."""
        ...
