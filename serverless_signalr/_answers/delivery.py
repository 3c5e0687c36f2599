"""The delivery of an answer's pieces to clients, in spite of a service that fails for a while."""

import logging
import random
from collections.abc import Iterable

from serverless_signalr._answers.clock import Clock, wait
from serverless_signalr._answers.pieces import AnswerPiece
from serverless_signalr._answers.targets import Send
from serverless_signalr.errors import (
    NotFoundError,
    PartialSendError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
)

__all__ = ["Delivery"]

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 5.0

_log = logging.getLogger("serverless_signalr.answers")


class Delivery:
    """The delivery of one answer. ``patience`` is how long to try to send a piece, in seconds."""

    def __init__(self, answer_id: str, send: Send, clock: Clock, patience: float) -> None:
        self._answer_id = answer_id
        self._send = send
        self._clock = clock
        self._patience = patience

    async def send(self, piece: AnswerPiece) -> None:
        """Send a piece, and send it again if the service may not have received it.

        Clients drop pieces that they already have. If no client is connected, the piece is not sent: a client
        that comes back can resume. Raise ServiceError for a failure that will not pass, and for one that
        lasts too long.
        """
        began, delay = self._clock.time(), _FIRST_DELAY
        while True:
            try:
                await self._send(piece.to_dict())
                return
            except NotFoundError:
                return
            except ServiceError as error:
                if not _may_pass(error) or self._clock.time() - began >= self._patience:
                    raise
                _log.info("the answer %s waits for the service: %s", self._answer_id, error)
            await wait(self._clock, delay * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
            delay = min(delay * 2, _LONGEST_DELAY)

    async def try_once(self, pieces: Iterable[AnswerPiece]) -> None:
        """Send pieces up to the first that fails."""
        for piece in pieces:
            try:
                await self._send(piece.to_dict())
            except ServiceError:
                return


def _may_pass(error: ServiceError) -> bool:
    if isinstance(error, PartialSendError):
        return all(_may_pass(each) or isinstance(each, NotFoundError) for each in error.failures.values())
    return isinstance(error, ThrottledError | ServiceUnavailableError)
