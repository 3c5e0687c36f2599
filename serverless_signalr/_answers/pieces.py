"""The pieces of a streamed answer, as clients receive them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["MAX_SENTENCE", "MAX_TEXT", "AnswerPiece", "PieceKind", "check_answer_id"]

MAX_TEXT = 32 * 1024
"""The maximum number of characters in a piece of text, far below what a message or a row can carry."""

MAX_SENTENCE = 4096
"""The maximum number of characters of a status and of an error."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class PieceKind(StrEnum):
    """The kind of a piece.

    ``done``, ``error`` and ``cancelled`` each end an answer.
    """

    TEXT = "text"
    TOOL_CALL = "toolCall"
    CITATION = "citation"
    STATUS = "status"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def is_last(self) -> bool:
        """Return whether a piece of this kind ends the answer."""
        return self in (PieceKind.DONE, PieceKind.ERROR, PieceKind.CANCELLED)


@dataclass(frozen=True, slots=True)
class AnswerPiece:
    """One piece of an answer.

    The pieces of an answer are numbered from 1 without gaps. ``text`` is set for the kinds ``text``,
    ``status`` and ``error``. ``data`` is the tool call, the citation, or the usage of ``done``.
    """

    answer_id: str
    seq: int
    kind: PieceKind
    text: str | None = None
    data: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that clients receive as the only argument of ``answerPiece``."""
        value: dict[str, Any] = {"id": self.answer_id, "seq": self.seq, "kind": self.kind.value}
        if self.text is not None:
            value["text"] = self.text
        if self.data is not None:
            value["data"] = dict(self.data)
        return value

    @property
    def size(self) -> int:
        """Return the approximate number of bytes that the piece takes in a store."""
        return 64 + len((self.text or "").encode()) + (len(str(self.data)) if self.data else 0)


def check_answer_id(answer_id: object) -> str:
    """Return an answer id. Raise ValueError unless it is 1 to 64 letters, digits, ``-`` or ``_``."""
    if not isinstance(answer_id, str) or not _ID.fullmatch(answer_id):
        raise ValueError(
            f"the answer id is {answer_id!r}, expected 1 to 64 ASCII letters, digits, hyphens or underscores"
        )
    return answer_id
