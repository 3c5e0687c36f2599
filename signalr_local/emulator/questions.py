"""What servers ask one client, and its answers."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace

from serverless_signalr.protocol.messages import Completion, Invocation
from signalr_local.emulator.protocols import Frame, Outgoing, Reply

__all__ = ["Questions"]


class Questions:
    """The invocations that a client has not answered yet."""

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Future[Reply]] = {}

    async def ask(self, message: Invocation, send: Callable[[Outgoing], None], timeout: float) -> Reply:
        """Send an invocation under a new id and return the client's answer.

        Raise ConnectionError if the client goes first, TimeoutError if it takes more than ``timeout`` s.
        """
        invocation_id = secrets.token_hex(8)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[invocation_id] = answer
        try:
            send(Outgoing(replace(message, invocation_id=invocation_id)))
            async with asyncio.timeout(timeout):
                return await answer
        finally:
            del self._asked[invocation_id]

    def answer(self, message: Completion, frame: Frame) -> None:
        """Take in a completion; one that nobody waits for is dropped."""
        asked = self._asked.get(message.invocation_id)
        if asked is not None and not asked.done():
            asked.set_result(Reply(message, frame))

    def close(self) -> None:
        """Tell those who wait that the client is gone."""
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ConnectionError("the client is gone"))
