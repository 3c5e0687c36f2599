"""Streamed answers: a language model's tokens in the browser, through SignalR.

An answer takes as long as the model does, goes to any number of clients, and can be resumed and cancelled. It
is unrelated to the value that a hub method returns to its caller.
"""

from serverless_signalr._answers.answer import Answer
from serverless_signalr._answers.clock import Clock, Timer
from serverless_signalr._answers.memory import MemoryAnswerStore
from serverless_signalr._answers.pieces import AnswerPiece, PieceKind
from serverless_signalr._answers.resuming import AnswerInfo, MayResume, cancel_answer, resume_answer
from serverless_signalr._answers.serving import add_answers
from serverless_signalr._answers.stores import (
    AnswerConflictError,
    AnswerExistsError,
    AnswerState,
    AnswerStore,
    StoredAnswer,
)
from serverless_signalr._answers.streaming import AnswerStream, send_answer, stream_answer
from serverless_signalr._answers.tables import TableAnswerStore
from serverless_signalr._answers.targets import ANSWER_TARGET, AnswerClient, AnswerTarget, Send

__all__ = [
    "ANSWER_TARGET",
    "Answer",
    "AnswerClient",
    "AnswerConflictError",
    "AnswerExistsError",
    "AnswerInfo",
    "AnswerPiece",
    "AnswerState",
    "AnswerStore",
    "AnswerStream",
    "AnswerTarget",
    "Clock",
    "MayResume",
    "MemoryAnswerStore",
    "PieceKind",
    "Send",
    "StoredAnswer",
    "TableAnswerStore",
    "Timer",
    "add_answers",
    "cancel_answer",
    "resume_answer",
    "send_answer",
    "stream_answer",
]
