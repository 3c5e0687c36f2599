"""One answer while it is streamed: roll-up, back-pressure and cancellation."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from serverless_signalr._answers.clock import Clock, Timer
from serverless_signalr._answers.delivery import Delivery
from serverless_signalr._answers.log import AnswerLog
from serverless_signalr._answers.pieces import MAX_SENTENCE, MAX_TEXT, AnswerPiece, PieceKind
from serverless_signalr._answers.queue import PieceQueue
from serverless_signalr._answers.stores import AnswerState
from serverless_signalr._answers.targets import Send
from serverless_signalr.protocol.values import to_builtins

__all__ = ["Answer"]

_MAX_PENDING = MAX_TEXT
"""The number of unsent characters at which a writer waits until they are sent."""

_MAX_DATA = 64 * 1024

_BREATH = 32
"""The number of writes after which other tasks get a turn, in case the model's iterator never waits."""

_HEARTBEAT = 10.0
"""The seconds of silence after which an answer tells the store that it is alive."""

_ENDINGS = {
    PieceKind.DONE: AnswerState.DONE,
    PieceKind.ERROR: AnswerState.ERROR,
    PieceKind.CANCELLED: AnswerState.CANCELLED,
}


class Answer:
    """An answer that is being streamed, as ``async with stream_answer(…)`` provides it."""

    def __init__(
        self,
        answer_id: str,
        send: Send,
        log: AnswerLog | None,
        *,
        every: float,
        max_piece: int,
        patience: float,
        clock: Clock,
    ) -> None:
        self.id = answer_id
        self._delivery = Delivery(answer_id, send, clock, patience)
        self._log = log
        self._every, self._max_piece = every, max_piece
        self._clock = clock
        self._queue = PieceQueue(answer_id)
        self._left: list[AnswerPiece] = []
        self._writes = 0
        self._due = clock.time()
        self._timer: Timer | None = None
        self._heartbeat: Timer | None = None
        self._look_task: asyncio.Task[None] | None = None
        self._go = asyncio.Event()
        self._room = asyncio.Event()
        self._ending: PieceKind | None = None
        self._state = AnswerState.STREAMING
        self._failure: Exception | None = None
        self._owner: asyncio.Task[Any] | None = asyncio.current_task()
        self._is_interrupted = False
        self._beat()
        self._pump = asyncio.create_task(self._run())

    @property
    def state(self) -> AnswerState:
        """Return the state of the answer.

        After the ``async with`` block, the state tells how the answer ended.
        """
        return self._state

    @property
    def is_cancelled(self) -> bool:
        """Return whether somebody has cancelled the answer."""
        return self._state in (AnswerState.CANCELLING, AnswerState.CANCELLED)

    async def write(self, text: str | None) -> None:
        """Add text, such as a model's token.

        None and empty text add nothing. The call returns at once, unless so much text waits to be sent that
        the model should wait too.
        """
        if text is not None and not isinstance(text, str):
            raise TypeError(
                f"an answer is written as text, not {type(text).__name__}: pass the text of the model's delta"
            )
        self._check_open()
        if text:
            self._queue.add_text(text)
            self._schedule()
        while self._queue.size >= _MAX_PENDING and not (self._is_interrupted or self._pump.done()):
            self._room.clear()
            await self._room.wait()
            self._check_open()
        await self._turn()

    async def status(self, text: str) -> None:
        """Tell clients what is being done, such as "Searching…".

        Clients show the latest status.
        """
        if len(text) > MAX_SENTENCE:
            raise ValueError(f"a status has at most {MAX_SENTENCE:,} characters, not {len(text):,}")
        await self._add(PieceKind.STATUS, text, None)

    async def tool_call(self, name: str, arguments: Any = None, *, call_id: str | None = None) -> None:
        """Tell clients that the model calls a tool.

        ``arguments`` is any value that can be sent as JSON.
        """
        data: dict[str, Any] = {"name": name, "arguments": arguments}
        await self._add(PieceKind.TOOL_CALL, None, data if call_id is None else {"id": call_id, **data})

    async def citation(self, **citation: Any) -> None:
        """Tell clients about a source, such as ``url="https://…", title="…"``.

        Members are sent under the names that you give them.
        """
        await self._add(PieceKind.CITATION, None, citation)

    async def done(self, usage: Mapping[str, Any] | None = None) -> None:
        """End the answer, with the usage that the model reports.

        The end of the ``async with`` block ends the answer too.
        """
        self._check_open()
        await self._end(PieceKind.DONE, None, None if usage is None else _checked(usage))
        self._raise_failure()

    async def _add(self, kind: PieceKind, text: str | None, data: Mapping[str, Any] | None) -> None:
        self._check_open()
        self._queue.add(kind, text, None if data is None else _checked(data))
        self._schedule()
        await self._turn()

    def _check_open(self) -> None:
        self._raise_failure()
        if self._ending is not None:
            raise RuntimeError(f"the answer {self.id} has ended, nothing can be added to it")

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _turn(self) -> None:
        self._writes += 1
        if self._is_interrupted or not self._writes % _BREATH:
            await asyncio.sleep(0)
        if self._is_interrupted:
            # The model's library has swallowed the interruption, or this is another task of the block.
            raise asyncio.CancelledError

    def _schedule(self) -> None:
        """Schedule sending for when it is due, or for now if much text waits."""
        if self._go.is_set():
            return
        left = self._due - self._clock.time()
        if left <= 0 or self._queue.size >= self._max_piece:
            self._go.set()
        elif self._timer is None:
            self._timer = self._clock.call_later(left, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._go.set()

    def _beat(self) -> None:
        if self._log is not None:
            if self._heartbeat is not None:
                self._heartbeat.cancel()
            self._heartbeat = self._clock.call_later(_HEARTBEAT, self._on_heartbeat)

    def _on_heartbeat(self) -> None:
        self._heartbeat = None
        self._look_task = asyncio.create_task(self._look())

    async def _run(self) -> None:
        try:
            while not self._state.has_ended:
                await self._go.wait()
                self._go.clear()
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
                if self._state is not AnswerState.STREAMING and self._ending is None:
                    continue  # The interrupted task sends the rest when it ends the answer.
                self._due = self._clock.time() + self._every
                await self._flush()
                self._room.set()
                if self._queue.has_more():
                    self._schedule()
        except Exception as error:  # noqa: BLE001 - raised where the answer is written
            self._failure = error
            self._interrupt()
        finally:
            self._room.set()
            for timer in (self._timer, self._heartbeat):
                if timer is not None:
                    timer.cancel()

    async def _flush(self) -> None:
        ending = self._ending
        pieces = [*self._left, *self._queue.take(is_final=ending is not None)]
        self._left = []
        state = AnswerState.STREAMING if ending is None else _ENDINGS[ending]
        if self._log is not None:
            found = await self._log.save(pieces, state)
            self._beat()
            if found is not state:
                # Somebody cancelled the answer, or ended it because its function seemed dead.
                self._state, self._left = found, pieces
                self._interrupt()
                return
        for piece in pieces:
            await self._delivery.send(piece)
        if ending is not None:
            self._state = state

    async def _look(self) -> None:
        """Tell a store that has heard nothing for long that the answer is alive, and hear whether to stop."""
        assert self._log is not None  # noqa: S101 - there is no heartbeat without a store
        found = await self._log.save((), AnswerState.STREAMING)
        if self._pump.done():
            return
        self._beat()
        if found is not AnswerState.STREAMING and self._ending is None:
            self._state = found
            self._interrupt()
            self._go.set()

    def _interrupt(self) -> None:
        """Cancel what the task that writes the answer waits for, which is usually its model."""
        if self._ending is None and not self._is_interrupted and self._owner is not None:
            self._is_interrupted = True
            self._room.set()
            self._owner.cancel()

    def _absorb(self, error: BaseException | None) -> bool:
        """Return whether the interruption ended the block, and withdraw the interruption."""
        if not self._is_interrupted or self._owner is None:
            return False
        self._is_interrupted = False
        is_ours = self._owner.uncancel() == 0 and isinstance(error, asyncio.CancelledError)
        return is_ours or error is None

    async def _end(self, kind: PieceKind, text: str | None, data: Mapping[str, Any] | None) -> None:
        """Add the last piece and wait until everything is sent."""
        if self._ending is not None or self._state.has_ended:
            return
        self._ending = kind
        self._queue.add(kind, text, data)
        if self._pump.done():
            await self._give_up()
            return
        self._go.set()
        await asyncio.shield(self._pump)

    async def _give_up(self) -> None:
        """Store the end of an answer that could not be sent, and try once to send it."""
        pieces: Sequence[AnswerPiece] = [*self._left, *self._queue.take(is_final=True)]
        self._state = AnswerState.ERROR
        if self._log is not None:
            self._state = await self._log.save(pieces, AnswerState.ERROR)
        await self._delivery.try_once(pieces)


def _checked(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data as JSON values.

    Raise TypeError or ValueError for data that clients could not receive.
    """
    found = to_builtins(dict(data))
    if not isinstance(found, dict) or len(str(found)) > _MAX_DATA:
        raise ValueError(f"the data of a piece is too large, expected at most {_MAX_DATA:,} characters")
    return found
