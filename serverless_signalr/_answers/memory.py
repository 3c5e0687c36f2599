"""The answer store in the memory of one process."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from serverless_signalr._answers.pieces import AnswerPiece, PieceKind
from serverless_signalr._answers.stores import (
    AnswerConflictError,
    AnswerExistsError,
    AnswerState,
    StoredAnswer,
)
from serverless_signalr.principal import is_deployed

__all__ = ["MemoryAnswerStore"]


_PER_ANSWER = 1024
_PER_PIECE = 128
"""The approximate number of bytes that an answer and a piece take in memory besides their contents."""


@dataclass(slots=True)
class _Kept:
    owner: str
    audience: str | None
    changed: float
    state: AnswerState = AnswerState.STREAMING
    version: int = 0
    last: int = 0
    size: int = 0
    pieces: deque[AnswerPiece] = field(default_factory=deque)
    folded: bytearray = field(default_factory=bytearray)
    is_whole: bool = True

    @property
    def total(self) -> int:
        return _PER_ANSWER + self.size + len(self.folded)


class MemoryAnswerStore:
    """A store in the memory of this process, for one instance with one worker process, and for tests.

    The last ``max_bytes`` of an answer are kept as pieces that can be replayed one by one. For older pieces
    only the text is kept, up to another ``max_bytes``. If the answer is even longer, the older text is
    dropped. An answer expires ``ttl`` after its last piece. Answers are dropped earlier if all of them
    together take more than ``max_total_bytes``.

    An app in Azure may run on several instances, and a request to resume or cancel may reach a different
    instance from the one that streams the answer. The store therefore raises RuntimeError in Azure, and
    wherever FUNCTIONS_WORKER_PROCESS_COUNT is above 1. Pass ``single_instance=True`` if there is only one
    process.
    """

    def __init__(
        self,
        *,
        single_instance: bool = False,
        ttl: timedelta = timedelta(minutes=30),
        max_bytes: int = 256 * 1024,
        max_total_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
        settings: Mapping[str, str] = os.environ,
    ) -> None:
        if not single_instance:
            _check_one_process(settings)
        if ttl <= timedelta(0) or max_bytes < 1 or max_total_bytes < max_bytes:
            raise ValueError("ttl and max_bytes must be above 0, max_total_bytes at least max_bytes")
        self._ttl = ttl.total_seconds()
        self._max_bytes, self._max_total_bytes = max_bytes, max_total_bytes
        self._clock = clock
        self._answers: dict[str, _Kept] = {}
        self._total = 0
        self._lock = threading.Lock()

    async def create(self, answer_id: str, owner: str, audience: str | None) -> int:
        """Begin an answer."""
        with self._lock:
            self._drop_expired()
            if answer_id in self._answers:
                raise AnswerExistsError(f"there is an answer with the id {answer_id!r} already")
            kept = self._answers[answer_id] = _Kept(owner, audience, self._clock())
            self._total += kept.total
            self._drop_oldest()
            return 0

    async def append(
        self, answer_id: str, version: object, pieces: Sequence[AnswerPiece], state: AnswerState
    ) -> int:
        """Add pieces and set the state."""
        with self._lock:
            self._drop_expired()
            kept = self._answers.get(answer_id)
            if kept is None or kept.version != version:
                raise AnswerConflictError(answer_id)
            self._total -= kept.total
            for piece in pieces:
                kept.pieces.append(piece)
                kept.size += _size(piece)
                kept.last = piece.seq
            self._trim(kept)
            self._total += kept.total
            kept.state, kept.changed, kept.version = state, self._clock(), kept.version + 1
            # The least recently changed answers come first.
            self._answers[answer_id] = self._answers.pop(answer_id)
            self._drop_oldest()
            return kept.version

    async def read(self, answer_id: str, since: int = 0) -> StoredAnswer | None:
        """Return an answer with its pieces after ``since``."""
        with self._lock:
            self._drop_expired()
            kept = self._answers.get(answer_id)
            if kept is None:
                return None
            text = None
            if kept.is_whole:
                texts = (piece.text or "" for piece in kept.pieces if piece.kind is PieceKind.TEXT)
                text = kept.folded.decode() + "".join(texts)
            return StoredAnswer(
                answer_id,
                kept.owner,
                kept.audience,
                kept.state,
                kept.last,
                self._clock() - kept.changed,
                kept.version,
                [piece for piece in kept.pieces if piece.seq > since],
                text,
            )

    def _trim(self, kept: _Kept) -> None:
        while kept.size > self._max_bytes and len(kept.pieces) > 1:
            piece = kept.pieces.popleft()
            kept.size -= _size(piece)
            if kept.is_whole and piece.kind is PieceKind.TEXT and piece.text:
                kept.folded += piece.text.encode()
        if len(kept.folded) > self._max_bytes:
            kept.folded, kept.is_whole = bytearray(), False

    def _drop_expired(self) -> None:
        horizon = self._clock() - self._ttl
        while self._answers:
            answer_id, kept = next(iter(self._answers.items()))
            if kept.changed > horizon:
                return
            self._drop(answer_id)

    def _drop_oldest(self) -> None:
        while self._total > self._max_total_bytes and len(self._answers) > 1:
            self._drop(next(iter(self._answers)))

    def _drop(self, answer_id: str) -> None:
        self._total -= self._answers.pop(answer_id).total


def _size(piece: AnswerPiece) -> int:
    # Python's objects for data take several times as much as its text.
    return _PER_PIECE + sys.getsizeof(piece.text) + (4 * len(str(piece.data)) if piece.data else 0)


def _check_one_process(settings: Mapping[str, str]) -> None:
    count = settings.get("FUNCTIONS_WORKER_PROCESS_COUNT", "1")
    if count not in ("", "1"):
        reason = f"FUNCTIONS_WORKER_PROCESS_COUNT is {count}"
    elif is_deployed(settings):
        reason = "the app runs in Azure, where it may scale out"
    else:
        return
    raise RuntimeError(
        f"MemoryAnswerStore keeps answers in one process, but {reason}: use TableAnswerStore, or pass "
        "single_instance=True if there can only ever be one process"
    )
