"""A hub for a reference desk that reads Python's documentation as a streamed answer."""

import builtins
import inspect
import re
from datetime import timedelta
from typing import Protocol
from uuid import uuid4

from serverless_signalr import (
    AnswerClient,
    HubException,
    ServerlessHub,
    SignalRInvocationContext,
    requires,
    stream_answer,
)

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?")
_WORD = re.compile(r"\s*\S+")
_LONG = 50
"""The number of words after which the desk asks the reader whether to go on."""


class Reader(AnswerClient, Protocol):
    """The methods, besides answers, that the desk calls on a reader's client."""

    async def asked(self, name: str) -> None: ...
    async def notice(self, text: str) -> None: ...
    async def go_on(self, words_read: int, words_left: int) -> bool: ...


class Desk(ServerlessHub[Reader], hub="desk"):
    """The hub methods that a reader can call."""

    async def ask(self, caller: SignalRInvocationContext, name: str) -> str:
        """Read the documentation of a builtin, such as ``str.split``, and return the id of the answer."""
        words = _WORD.findall(_documentation(name))
        answer_id = str(uuid4())
        await self.clients.group(_topic(name)).asked(name)
        reader = self.clients.client(caller.connection_id)
        async with stream_answer(reader, id=answer_id) as answer:
            for count, word in enumerate(words):
                if count and count % _LONG == 0 and not await reader.go_on(count, len(words) - count):
                    break
                await answer.write(word)
        return answer_id

    async def watch(self, caller: SignalRInvocationContext, name: str, minutes: int = 60) -> None:
        """Notify the user when somebody asks about a type.

        The notices reach all current and later connections of the user for the given number of minutes.
        """
        if caller.user_id is None:
            raise HubException("watch needs a user: negotiate with a name.")
        if not 1 <= minutes <= 24 * 60:
            raise HubException("minutes must be between 1 and 1440.")
        await self.user_groups.add(_topic(name), user_id=caller.user_id, ttl=timedelta(minutes=minutes))

    @requires(role="librarian")
    async def announce(self, text: str) -> None:
        """Send a notice to everybody at the desk."""
        await self.clients.all.notice(text)

    @requires(role="librarian", claims={"desk": "main"})
    async def close(self, caller: SignalRInvocationContext, reason: str) -> None:
        """Close every connection except the caller's."""
        await self.client_manager.close_all(excluded=[caller.connection_id], reason=reason)


def _documentation(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise HubException(f"{name!r} is not a name such as len or str.split.")
    found: object = builtins
    for part in name.split("."):
        found = getattr(found, part, None)
    documentation = inspect.getdoc(found) if found is not None else None
    if not documentation:
        raise HubException(f"There is no documentation of {name}.")
    return documentation


def _topic(name: str) -> str:
    return name.split(".")[0]
