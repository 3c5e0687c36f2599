"""The stored side of an answer, written by the function that streams it."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from serverless_signalr._answers.clock import Clock
from serverless_signalr._answers.pieces import AnswerPiece
from serverless_signalr._answers.stores import AnswerConflictError, AnswerState, AnswerStore

__all__ = ["AnswerLog"]

_MAX_UNSAVED = 256 * 1024

_PATIENCE = 3.0
"""The number of seconds for which a piece waits for a store before it is sent without being stored."""

_END_PATIENCE = 30.0
"""The same for the end of an answer: without it, an answer that is complete resumes as one that was lost."""

_PAUSE = 10.0
"""The number of seconds for which a store that was too slow is left alone."""

_log = logging.getLogger("serverless_signalr.answers")


class AnswerLog:
    """A writer that stores the pieces of one answer and learns from the store when to stop.

    A store that fails or does not respond does not end the answer. The pieces are written together with the
    next ones. Connected clients miss nothing, but resuming may not recover everything.
    """

    def __init__(self, store: AnswerStore, answer_id: str, version: object, clock: Clock) -> None:
        self._store = store
        self._answer_id = answer_id
        self._version = version
        self._clock = clock
        self._not_before = clock.time()
        self._lock = asyncio.Lock()
        self._end: AnswerState | None = None
        self._unsaved: list[AnswerPiece] = []
        self._has_failed = False

    async def save(self, pieces: Sequence[AnswerPiece], state: AnswerState) -> AnswerState:
        """Write pieces and the state, and return the state of the stored answer.

        The result differs from ``state`` if somebody has asked the answer to stop or has ended it. The pieces
        are not written then. If ``state`` ends an answer that was only asked to stop, everything is written.
        """
        async with self._lock:
            if self._end is not None:
                return self._end
            saved = await self._save([*self._unsaved, *pieces], state)
            if saved.has_ended:
                self._end = saved
            return saved

    async def _save(self, batch: list[AnswerPiece], state: AnswerState) -> AnswerState:
        try:
            if state.has_ended:
                return await self._write_in_time(batch, state, _END_PATIENCE)
            if self._clock.time() >= self._not_before:
                return await self._write_in_time(batch, state, _PATIENCE)
        except Exception as error:  # noqa: BLE001 - the answer goes on whatever a store raises
            if not self._has_failed:
                _log.warning("the answer %s could not be stored, it goes on: %s", self._answer_id, error)
            self._has_failed = True
        self._keep(batch)
        return state

    def _keep(self, batch: list[AnswerPiece]) -> None:
        """Keep pieces for the next write."""
        size = sum(piece.size for piece in batch)
        while size > _MAX_UNSAVED:
            size -= batch.pop(0).size
        self._unsaved = batch

    async def _write_in_time(
        self, batch: Sequence[AnswerPiece], state: AnswerState, patience: float
    ) -> AnswerState:
        # A store in memory is done at once, and needs no timer.
        writing = asyncio.Task(self._write(batch, state), loop=asyncio.get_running_loop(), eager_start=True)
        if writing.done():
            return writing.result()
        try:
            async with asyncio.timeout(None) as limit:
                timer = self._clock.call_later(patience, partial(limit.reschedule, 0))
                try:
                    return await writing
                finally:
                    timer.cancel()
        except TimeoutError:
            self._not_before = self._clock.time() + _PAUSE
            raise TimeoutError(f"the store did not respond within {patience:.0f} seconds") from None

    async def _write(self, batch: Sequence[AnswerPiece], state: AnswerState) -> AnswerState:
        while True:
            try:
                version = await self._store.append(self._answer_id, self._version, batch, state)
            except AnswerConflictError:
                stored = await self._store.read(self._answer_id)
                if stored is None or stored.state.has_ended:
                    return AnswerState.ERROR if stored is None else stored.state
                if stored.state is AnswerState.CANCELLING and not state.has_ended:
                    return stored.state
                # Leave out pieces that were stored by a write whose response was lost.
                batch = [piece for piece in batch if piece.seq > stored.last]
                self._version = stored.version
            else:
                self._version, self._unsaved, self._has_failed = version, [], False
                return state
