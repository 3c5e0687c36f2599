"""The resuming of answers by clients that missed pieces, and the cancelling of answers."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from serverless_signalr._answers.pieces import AnswerPiece, PieceKind, check_answer_id
from serverless_signalr._answers.stores import AnswerConflictError, AnswerState, AnswerStore, StoredAnswer
from serverless_signalr.errors import HubException

__all__ = ["AnswerInfo", "MayResume", "cancel_answer", "resume_answer"]

_SILENCE = 45.0
"""The seconds of silence after which an answer is lost. A running function writes more often than that."""

_LOST = "The answer was interrupted on the server."

_ATTEMPTS = 50
_PAUSE = 0.05

_log = logging.getLogger("serverless_signalr.answers")


@dataclass(frozen=True, slots=True)
class AnswerInfo:
    """The answer that a user asks for, with its owner.

    ``audience`` is the value that was passed to ``stream_answer``.
    """

    id: str
    owner: str
    audience: str | None


type MayResume = Callable[[str, AnswerInfo], bool | Awaitable[bool]]
"""A function that decides whether a user other than the owner may read an answer.

It may, for example, allow the members of the group that the answer is for.
"""


async def resume_answer(
    store: AnswerStore, answer_id: str, user_id: str | None, since: int, may_resume: MayResume | None = None
) -> dict[str, Any]:
    """Return what a user has missed of an answer since a piece, as a JSON object.

    ``state`` is ``unknown`` both for an answer that does not exist and for one that the user may not read.
    ``recovered`` tells whether ``pieces`` has everything that was missed. If it is false, the client starts
    over: ``text`` is the whole text and ``pieces`` are those of other kinds. If the beginning of the text is
    gone too, ``text`` is null and ``pieces`` has all pieces that are left. Raise HubException for invalid
    arguments.
    """
    if isinstance(since, bool) or not isinstance(since, int) or since < 0:  # type: ignore[redundant-expr]
        raise HubException("since must be the number of a piece, or 0.")
    stored = await _read(store, answer_id, since)
    if stored is None or not await _may_read(stored, user_id, may_resume):
        return {
            "id": answer_id,
            "state": "unknown",
            "recovered": False,
            "seq": since,
            "text": None,
            "pieces": [],
        }
    if not stored.state.has_ended and stored.silent_for > _SILENCE:
        stored = await _end_lost(store, stored, since)
    recovered = since <= stored.last and _is_complete(stored, since)
    if not recovered and since > 0:
        # The client starts over, so it needs all pieces of other kinds along with the whole text.
        stored = await store.read(answer_id, 0) or stored
    if recovered or stored.text is None:
        pieces = stored.pieces
    else:
        pieces = [piece for piece in stored.pieces if piece.kind is not PieceKind.TEXT]
    return {
        "id": answer_id,
        "state": (AnswerState.STREAMING if not stored.state.has_ended else stored.state).value,
        "recovered": recovered,
        "seq": stored.last,
        "text": None if recovered else stored.text,
        "pieces": [piece.to_dict() for piece in _merged(pieces)],
    }


async def cancel_answer(store: AnswerStore, answer_id: str, user_id: str | None) -> bool:
    """Ask the function that streams an answer to stop, and return whether the answer exists.

    Only the owner can cancel an answer. For other users it does not exist. An answer that has ended stays
    unchanged.
    """
    for _ in range(_ATTEMPTS):
        stored = await _read(store, answer_id, None)
        if stored is None or not user_id or stored.owner != user_id:
            return False
        if stored.state is not AnswerState.STREAMING:
            return True
        try:
            await store.append(answer_id, stored.version, (), AnswerState.CANCELLING)
        except AnswerConflictError:
            # A piece was added in between. The pause is random so that the next try misses the next piece.
            await asyncio.sleep(random.random() * _PAUSE)  # noqa: S311 - no secret
            continue
        return True
    _log.warning("the answer %s could not be cancelled: it changed each time", answer_id)
    raise HubException("The answer could not be stopped just now. Try again.")


async def _read(store: AnswerStore, answer_id: object, since: int | None) -> StoredAnswer | None:
    try:
        checked = check_answer_id(answer_id)
    except ValueError as error:
        raise HubException(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    return await (store.read(checked, _NO_PIECES) if since is None else store.read(checked, since))


_NO_PIECES = 2**31 - 1


async def _may_read(stored: StoredAnswer, user_id: str | None, may_resume: MayResume | None) -> bool:
    if not user_id:
        return False
    if stored.owner == user_id:
        return True
    if may_resume is None:
        return False
    found = may_resume(user_id, AnswerInfo(stored.answer_id, stored.owner, stored.audience))
    return (found if isinstance(found, bool) else await found) is True


async def _end_lost(store: AnswerStore, stored: StoredAnswer, since: int) -> StoredAnswer:
    """End an answer whose function is gone because its instance was removed or its process killed."""
    piece = AnswerPiece(stored.answer_id, stored.last + 1, PieceKind.ERROR, _LOST)
    try:
        await store.append(stored.answer_id, stored.version, [piece], AnswerState.ERROR)
    except AnswerConflictError:
        return await store.read(stored.answer_id, since) or stored
    return await store.read(stored.answer_id, since) or replace(stored, state=AnswerState.ERROR)


def _is_complete(stored: StoredAnswer, since: int) -> bool:
    return [piece.seq for piece in stored.pieces] == list(range(since + 1, stored.last + 1))


def _merged(pieces: Sequence[AnswerPiece]) -> list[AnswerPiece]:
    """Merge each run of text pieces into one piece, which gets the number of the last."""
    merged: list[AnswerPiece] = []
    texts: list[str] = []
    for piece in pieces:
        if piece.kind is PieceKind.TEXT and merged and merged[-1].kind is PieceKind.TEXT:
            texts.append(piece.text or "")
            merged[-1] = replace(merged[-1], seq=piece.seq)
            continue
        _close(merged, texts)
        merged.append(piece)
        texts = [piece.text or ""] if piece.kind is PieceKind.TEXT else []
    _close(merged, texts)
    return merged


def _close(merged: list[AnswerPiece], texts: list[str]) -> None:
    if len(texts) > 1:
        merged[-1] = replace(merged[-1], text="".join(texts))
