"""A hub for an assistant that streams answers to the user's devices or to a group."""

import os
from contextlib import suppress
from typing import Protocol

from model import has_model, reply

from serverless_signalr import (
    AnswerClient,
    AnswerInfo,
    AnswerStore,
    HubException,
    MemoryAnswerStore,
    ServerlessHub,
    ServiceError,
    SignalRInvocationContext,
    TableAnswerStore,
    check_group_name,
    is_deployed,
    not_an_event,
    stream_answer,
)

_LONGEST = 4000

# In Azure, the app may run on several instances, so a table in the app's storage account keeps the answers.
_in_table = is_deployed() or bool(os.environ.get("ANSWERS_IN_TABLE"))
store: AnswerStore = TableAnswerStore() if _in_table else MemoryAnswerStore()


class Reader(AnswerClient, Protocol):
    """The methods, besides pieces of answers, that the hub calls on a page."""

    async def asked(self, answer_id: str, question: str, sender: str | None) -> None: ...


class Assistant(ServerlessHub[Reader], hub="assistant"):
    """The hub methods that a page can call, besides ``resumeAnswer`` and ``cancelAnswer``."""

    @not_an_event
    async def answer(self, user: str, answer_id: str, question: str, group: str = "") -> None:
        """Stream the answer to a question to the user, or to a group that the user is in.

        The page creates the id, so it can resume an answer before it has received any of it.
        """
        if not 0 < len(question) <= _LONGEST:
            raise HubException(f"A question has 1 to {_LONGEST:,} characters.")
        if group and not await self._is_member(user, group):
            raise HubException(f"You are not in the group {group}.")
        clients = self.clients.group(_group(group)) if group else self.clients.user(user)
        stream = stream_answer(clients, id=answer_id, store=store, owner=user, audience=group or None)
        async with stream as answer:
            # Other devices show an answer without its question, too, and pieces are sent until they arrive.
            with suppress(ServiceError):
                await clients.asked(answer_id, question, user)
            await answer.status("Thinking…")
            await reply(answer, question)

    async def join(self, caller: SignalRInvocationContext, group: str) -> None:
        """Add all devices of the user to a group."""
        await self.user_groups.add(_group(group), user_id=_user(caller))

    async def has_model(self) -> bool:
        """Return whether a model is configured."""
        return has_model()

    @not_an_event
    async def may_resume(self, user: str, answer: AnswerInfo) -> bool:
        """Return whether a user may read another user's answer.

        Members of a group may read every answer in the group.
        """
        return answer.audience is not None and await self._is_member(user, answer.audience)

    async def _is_member(self, user: str, group: str) -> bool:
        return await self.user_groups.contains(_group(group), user_id=user)


def _user(caller: SignalRInvocationContext) -> str:
    if not caller.user_id:
        raise HubException("Sign in first: answers belong to a user.")
    return caller.user_id


def _group(name: str) -> str:
    try:
        return check_group_name(name)
    except ValueError as error:
        raise HubException(f"The group cannot be called so: {error}.") from None
