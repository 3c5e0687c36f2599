"""The hub of a reference desk: it reads Python's documentation to whoever asks, in a streamed answer."""

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
"""Words after which a reader is asked whether to go on."""


class Reader(AnswerClient, Protocol):
    """What somebody at the desk listens to, beside answers, and is asked."""

    async def asked(self, name: str) -> None: ...
    async def notice(self, text: str) -> None: ...
    async def go_on(self, words_read: int, words_left: int) -> bool: ...


class Desk(ServerlessHub[Reader], hub="desk"):
    """What somebody at the desk can call."""

    async def ask(self, caller: SignalRInvocationContext, name: str) -> str:
        """Read out the documentation of a builtin, such as ``str.split``, and return the answer's id."""
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
        """Hear for a while who asks about a type, on all present and later connections of the user."""
        if caller.user_id is None:
            raise HubException("watch needs a user: negotiate with a name.")
        if not 1 <= minutes <= 24 * 60:
            raise HubException("minutes must be between 1 and 1440.")
        await self.user_groups.add(_topic(name), user_id=caller.user_id, ttl=timedelta(minutes=minutes))

    @requires(role="librarian")
    async def announce(self, text: str) -> None:
        """Tell everybody at the desk something."""
        await self.clients.all.notice(text)

    @requires(role="librarian", claims={"desk": "main"})
    async def close(self, caller: SignalRInvocationContext, reason: str) -> None:
        """Send everybody but the caller home."""
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
