"""The targets of an answer, which receive its pieces one by one."""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from serverless_signalr._hub.clients import AnyClient, addressed_user, is_any_client

__all__ = ["ANSWER_TARGET", "AnswerClient", "AnswerTarget", "Send", "owner_of", "sender_to"]

ANSWER_TARGET = "answerPiece"
"""The name of the client method that receives the pieces of all answers."""

type Send = Callable[[dict[str, Any]], Awaitable[object]]


class AnswerClient(Protocol):
    """The part of a client interface that receives answers.

    Derive the client interface of your hub from it.
    """

    async def answer_piece(self, piece: dict[str, Any]) -> None:
        """Receive one piece of an answer; see AnswerPiece."""


type AnswerTarget = AnswerClient | AnyClient | Send
"""The clients of a hub, or an async function that receives each piece as a JSON object."""


def sender_to(target: AnswerTarget) -> Send:
    """Return the function that sends pieces to clients. Raise TypeError if they cannot receive pieces."""
    is_class = isinstance(target, type)
    method: Any = getattr(target, "answer_piece", None)
    if method is not None and not is_class:
        send: Send = method
        return send
    if is_any_client(target):
        clients: Any = target
        return partial(clients.send, ANSWER_TARGET)
    if not is_class and callable(target):
        return target
    name = getattr(target, "__name__", type(target).__name__)
    raise TypeError(
        f"{name} has no method answer_piece to send answers to: derive the hub's client interface from "
        f"AnswerClient, class {name}(AnswerClient, Protocol)"
    )


def owner_of(target: AnswerTarget) -> str | None:
    """Return the user that clients belong to, or None if they do not belong to one user."""
    return None if inspect.isroutine(target) else addressed_user(target)
