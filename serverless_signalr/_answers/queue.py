"""The unsent pieces of an answer, in order: rolled-up text, and pieces of other kinds."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from serverless_signalr._answers.graphemes import boundary
from serverless_signalr._answers.pieces import MAX_TEXT, AnswerPiece, PieceKind
from serverless_signalr.protocol.text import well_formed

__all__ = ["PieceQueue"]


@dataclass(slots=True)
class _Part:
    kind: PieceKind
    texts: list[str] = field(default_factory=list)
    data: Mapping[str, Any] | None = None


class PieceQueue:
    """A queue that collects what is written and cuts it into numbered pieces."""

    def __init__(self, answer_id: str) -> None:
        self._answer_id = answer_id
        self._parts: deque[_Part] = deque()
        self._seq = 0
        self._held = ""
        self.size = 0
        """The number of characters of text in the queue."""

    def add_text(self, text: str) -> None:
        """Add text to the end."""
        self.size += len(text)
        if self._parts and self._parts[-1].kind is PieceKind.TEXT:
            self._parts[-1].texts.append(text)
        else:
            self._parts.append(_Part(PieceKind.TEXT, [text]))

    def add(self, kind: PieceKind, text: str | None, data: Mapping[str, Any] | None) -> None:
        """Add a piece of another kind."""
        self._parts.append(_Part(kind, [] if text is None else [text], data))

    def has_more(self) -> bool:
        """Return whether the next ``take`` may return something even if nothing is added."""
        match len(self._parts):
            case 0:
                return False
            case 1 if self._parts[0].kind is PieceKind.TEXT and self._held:
                text = "".join(self._parts[0].texts)
                return text != self._held or boundary(text, settled=True) > 0
            case _:
                return True

    def take(self, *, is_final: bool) -> list[AnswerPiece]:
        """Return all that can be sent, and keep back a character that the next text may add to.

        A character that was kept back is returned by the next call if nothing was added to it.
        """
        pieces = []
        while self._parts:
            part = self._parts.popleft()
            text = "".join(part.texts) if part.texts else None
            if part.kind is PieceKind.TEXT and text is not None:
                self.size -= len(text)
                if not self._parts and not is_final:
                    text = self._keep_back(text)
                while len(text) > MAX_TEXT:
                    cut = boundary(text[:MAX_TEXT], settled=False)
                    pieces.append(self._piece(part.kind, well_formed(text[:cut]), None))
                    text = text[cut:]
                if text:
                    pieces.append(self._piece(part.kind, well_formed(text), None))
                if self._held and not self._parts:
                    self.add_text(self._held)
                    break
            else:
                pieces.append(self._piece(part.kind, text if text is None else well_formed(text), part.data))
        return pieces

    def _keep_back(self, text: str) -> str:
        # Send the first piece at once. Also send text that was kept back and has not grown.
        is_settled = self._seq == 0 or text == self._held
        cut = boundary(text, settled=is_settled)
        self._held = text[cut:]
        return text[:cut]

    def _piece(self, kind: PieceKind, text: str | None, data: Mapping[str, Any] | None) -> AnswerPiece:
        self._seq += 1
        return AnswerPiece(self._answer_id, self._seq, kind, text, data)
