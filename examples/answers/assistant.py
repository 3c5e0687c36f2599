"""The hub of an assistant: questions come in, answers are streamed to the user's devices or to a group."""

import os
from typing import Protocol

from model import has_model, reply

from serverless_signalr import (
    AnswerClient,
    AnswerInfo,
    AnswerStore,
    HubException,
    MemoryAnswerStore,
    ServerlessHub,
    SignalRInvocationContext,
    TableAnswerStore,
    check_group_name,
    is_deployed,
    not_an_event,
    stream_answer,
)

_LONGEST = 4000

# In Azure the app may run on several instances: answers are kept in a table of the app's storage account.
_in_table = is_deployed() or bool(os.environ.get("ANSWERS_IN_TABLE"))
store: AnswerStore = TableAnswerStore() if _in_table else MemoryAnswerStore()


class Reader(AnswerClient, Protocol):
    """What a page receives beside the pieces of answers."""

    async def asked(self, answer_id: str, question: str, sender: str | None) -> None: ...


class Assistant(ServerlessHub[Reader], hub="assistant"):
    """What a page can call, beside ``resumeAnswer`` and ``cancelAnswer``."""

    @not_an_event
    async def answer(self, user: str, answer_id: str, question: str, group: str = "") -> None:
        """Stream the answer to a question, to its user or to a group that the user is in.

        The page makes the id, so that it can resume an answer of which it has seen nothing.
        """
        if not 0 < len(question) <= _LONGEST:
            raise HubException(f"A question has 1 to {_LONGEST:,} characters.")
        if group and not await self._is_member(user, group):
            raise HubException(f"You are not in the group {group}.")
        clients = self.clients.group(_group(group)) if group else self.clients.user(user)
        stream = stream_answer(clients, id=answer_id, store=store, owner=user, audience=group or None)
        async with stream as answer:
            await clients.asked(answer_id, question, user)
            await answer.status("Thinking…")
            await reply(answer, question)

    async def join(self, caller: SignalRInvocationContext, group: str) -> None:
        """Join a group, with all devices."""
        await self.user_groups.add(_group(group), user_id=_user(caller))

    async def has_model(self) -> bool:
        """Tell whether a model is set up."""
        return has_model()

    @not_an_event
    async def may_resume(self, user: str, answer: AnswerInfo) -> bool:
        """Tell whether a user may read the answer of another: in a group everybody reads everything."""
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
