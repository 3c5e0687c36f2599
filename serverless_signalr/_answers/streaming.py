"""The functions that stream an answer: ``stream_answer`` and ``send_answer``."""

import asyncio
import inspect
import logging
import uuid
from collections.abc import AsyncIterable
from datetime import timedelta
from types import TracebackType
from typing import Any

from serverless_signalr._answers.answer import Answer
from serverless_signalr._answers.clock import Clock
from serverless_signalr._answers.log import AnswerLog
from serverless_signalr._answers.pieces import MAX_SENTENCE, PieceKind, check_answer_id
from serverless_signalr._answers.stores import AnswerState, AnswerStore
from serverless_signalr._answers.targets import AnswerTarget, owner_of, sender_to
from serverless_signalr.errors import HubException

__all__ = ["AnswerStream", "send_answer", "stream_answer"]

_FAILED = "The answer could not be finished."
_INTERRUPTED = "The answer was interrupted."

_log = logging.getLogger("serverless_signalr.answers")


class AnswerStream:
    """The context manager that ``stream_answer`` returns. It can be entered once."""

    def __init__(
        self,
        target: AnswerTarget,
        *,
        id: str | None,
        store: AnswerStore | None,
        owner: str | None,
        audience: str | None,
        every: timedelta,
        max_piece: int,
        patience: timedelta,
        clock: Clock | None,
    ) -> None:
        self._send = sender_to(target)
        self.id = uuid.uuid4().hex if id is None else check_answer_id(id)
        self._store = store
        self._owner = owner_of(target) if owner is None else owner
        if store is not None and not self._owner:
            raise TypeError(
                "a stored answer belongs to one user, who alone may resume or cancel it: pass the user id as "
                "owner=…, or leave out the store for users without an id"
            )
        if every < timedelta(0) or max_piece < 1:
            raise ValueError("every must not be negative, and max_piece must be at least 1")
        self._audience = audience
        self._every, self._max_piece, self._patience = every, max_piece, patience
        self._clock = clock
        self._answer: Answer | None = None

    async def __aenter__(self) -> Answer:
        if self._answer is not None:
            raise RuntimeError("an answer can be streamed only once: call stream_answer again")
        clock = asyncio.get_running_loop() if self._clock is None else self._clock
        log = None
        if self._store is not None:
            version = await self._store.create(self.id, self._owner or "", self._audience)
            log = AnswerLog(self._store, self.id, version, clock)
        self._answer = Answer(
            self.id,
            self._send,
            log,
            every=self._every.total_seconds(),
            max_piece=self._max_piece,
            patience=self._patience.total_seconds(),
            clock=clock,
        )
        return self._answer

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        answer = self._answer
        assert answer is not None  # noqa: S101 - it was entered
        was_interrupted = answer._absorb(error)
        if answer._failure is not None:
            await answer._end(PieceKind.ERROR, _FAILED, None)
            if was_interrupted or error is answer._failure:
                raise answer._failure
            return False
        if was_interrupted:
            if answer._state.has_ended:
                _log.warning("the answer %s was ended elsewhere, so streaming stops", answer.id)
            await answer._end(PieceKind.CANCELLED, None, None)
            return True
        if error is None:
            await answer._end(PieceKind.DONE, None, None)
            answer._raise_failure()
            return False
        if answer._state is AnswerState.CANCELLING:
            # The model's library replaced the interruption by an exception of its own.
            await answer._end(PieceKind.CANCELLED, None, None)
            return False
        if isinstance(error, HubException):
            told = str(error)[:MAX_SENTENCE]
        else:
            told = _FAILED if isinstance(error, Exception) else _INTERRUPTED
        await answer._end(PieceKind.ERROR, told, None)
        return False


def stream_answer(
    target: AnswerTarget,
    *,
    id: str | None = None,
    store: AnswerStore | None = None,
    owner: str | None = None,
    audience: str | None = None,
    every: timedelta = timedelta(milliseconds=100),
    max_piece: int = 2048,
    patience: timedelta = timedelta(seconds=60),
    clock: Clock | None = None,
) -> AnswerStream:
    """Stream an answer to clients: ``async with stream_answer(clients.user("ann")) as answer``.

    Text is collected and sent once per ``every``, or as soon as ``max_piece`` characters are waiting. The
    first text is sent at once. If the service is slow or throttles, pieces get larger and ``write`` waits.
    After ``patience``, the error of the service is raised. At the end of the block, the answer ends with
    ``done``. An exception in the block ends the answer with ``error`` and is raised again. Clients receive
    the message of a HubException, and a generic message for any other exception.

    An answer with a ``store`` can be resumed and cancelled, but only by its ``owner``, which is by default
    the user of ``clients.user(…)``. ``audience`` is stored for a ``may_resume`` function, see
    ``add_answers``. If somebody cancels the answer, the block is left by asyncio's cancellation, the code
    after it runs, and ``answer.is_cancelled`` is true. ``id`` is generated by default.

    Raise TypeError for clients that cannot receive answers, and for a store without an owner. On entry, raise
    AnswerExistsError if the store already has the id.
    """
    return AnswerStream(
        target,
        id=id,
        store=store,
        owner=owner,
        audience=audience,
        every=every,
        max_piece=max_piece,
        patience=patience,
        clock=clock,
    )


async def send_answer(target: AnswerTarget, texts: AsyncIterable[str | None], **options: Any) -> AnswerState:
    """Stream the texts of an async iterator, and return the state in which the answer ended.

    The iterator is always closed, also if the answer is cancelled. ``options`` are those of
    ``stream_answer``.
    """
    if not isinstance(texts, AsyncIterable):
        raise TypeError(
            f"send_answer takes an async iterator of texts, not {type(texts).__name__}: a sync iterator "
            "would block all other answers"
        )
    stream = stream_answer(target, **options)
    answer: Answer | None = None
    try:
        async with stream as answer:
            async for text in texts:
                await answer.write(text)
    finally:
        await _close(texts)
    return answer.state


async def _close(texts: AsyncIterable[str | None]) -> None:
    for name in ("aclose", "close"):
        close: Any = getattr(texts, name, None)
        if close is not None:
            closing = close()
            if inspect.isawaitable(closing):
                await closing
            return
