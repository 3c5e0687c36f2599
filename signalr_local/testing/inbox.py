"""The messages of a client, and those among them that no test has expected yet."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from serverless_signalr.testing import Message
from signalr_local.testing.handlers import builtins_of

__all__ = ["Expectation", "Inbox"]

_SHOWN = 20


class Expectation:
    """What a message is to be: its target, its first arguments, and members of the first of them."""

    def __init__(self, target: str, arguments: Sequence[object], members: Mapping[str, object]) -> None:
        """Take them as a test writes them; they are compared as a message carries them."""
        self._target = target
        self._arguments = builtins_of(arguments)
        self._members: dict[str, Any] = {name: builtins_of([each])[0] for name, each in members.items()}

    def fits(self, message: Message) -> bool:
        """Return whether a message is what was expected."""
        if message.target != self._target:
            return False
        if list(message.arguments[: len(self._arguments)]) != self._arguments:
            return False
        if not self._members:
            return True
        first = message.arguments[0] if message.arguments else None
        return isinstance(first, dict) and all(
            name in first and first[name] == value for name, value in self._members.items()
        )

    def __str__(self) -> str:
        members = (f"{name}={value!r}" for name, value in self._members.items())
        return f"{self._target}({', '.join([*map(repr, self._arguments), *members])})"


class Inbox:
    """Keep what came, in its order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.unexpected: list[Message] = []
        self._waiting: list[asyncio.Future[None]] = []

    def add(self, message: Message) -> None:
        """Take a message in."""
        self.messages.append(message)
        self.unexpected.append(message)

    def announce(self) -> None:
        """Wake those who wait for news."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def arrival(self) -> asyncio.Future[None]:
        """Return what is done with the first news after this call."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    def take(self, expectation: Expectation) -> Message | None:
        """Return the first message that fits and that nobody has taken yet."""
        for number, message in enumerate(self.unexpected):
            if expectation.fits(message):
                return self.unexpected.pop(number)
        return None

    def left(self, target: str | None) -> str:
        """Return what nobody has taken, of one target or of any, for people; empty if there is nothing."""
        left = [message for message in self.unexpected if target in (None, message.target)]
        return "; ".join(map(repr, left[:_SHOWN]))

    def __str__(self) -> str:
        return "; ".join(map(repr, self.messages[-_SHOWN:])) or "nothing"
