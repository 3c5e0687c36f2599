"""What a client answers when the app asks it something."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from serverless_signalr.protocol.messages import Completion, Invocation
from serverless_signalr.protocol.values import to_builtins

__all__ = ["Handler", "Handlers", "builtins_of"]

type Handler = Callable[..., object]


class Handlers:
    """The answers of one client, by the method that the app invokes."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def set(self, target: str, answer: Handler | object) -> None:
        """Answer with a value, or with what a function returns for the arguments."""
        self._handlers[target] = answer if callable(answer) else (lambda *_: answer)

    async def answer(self, question: Invocation) -> Completion:
        """Return the answer to a question; what a handler raises is the error that it has."""
        id = question.invocation_id or ""
        handler = self._handlers.get(question.target)
        if handler is None:
            return Completion(id, error=f"Client didn't provide a result for {question.target}.")
        try:
            value = handler(*question.arguments)
            if asyncio.iscoroutine(value):
                value = await value
            return Completion(id, builtins_of([value])[0])
        except Exception as error:  # noqa: BLE001 - it is what the client answers with
            return Completion(id, error=str(error))


def builtins_of(values: Sequence[object]) -> list[Any]:
    """Return arguments as a message carries them: dataclasses, dates and the like become JSON's values."""
    return [to_builtins(value) for value in values]
