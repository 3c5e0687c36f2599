"""An invocation between the host and the worker, and what comes of it."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signalr_local.host.functions import Function

__all__ = ["Deadlines", "PendingCall", "Result"]


@dataclass(slots=True)
class Result:
    """What a function returned and set; ``body`` belongs to the value that is an HTTP response."""

    returned: dict[str, Any] | None
    outputs: dict[str, dict[str, Any] | None]
    body: bytes


@dataclass(slots=True)
class PendingCall:
    """An invocation that was sent to the worker, as number ``number``.

    ``deadline`` is when it has taken too long, in the time of the event loop.
    """

    function: Function
    number: int
    result: "asyncio.Future[Result]"
    traceparent: str | None
    deadline: float = math.inf


class Deadlines:
    """Let calls that take too long fail with TimeoutError.

    One timer serves all of them: a timer for each would be a good part of what a call costs.
    """

    def __init__(self, calls: Mapping[str, PendingCall]) -> None:
        self._calls = calls
        self._next = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, call: PendingCall) -> None:
        """Watch a call, which is one of ``calls`` for as long as it runs."""
        if call.deadline < self._next:
            self._wait(call.deadline)

    def stop(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self, deadline: float) -> None:
        self.stop()
        self._next = deadline
        if deadline < math.inf:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._expire)

    def _expire(self) -> None:
        rest = math.inf
        for call in self._calls.values():
            if call.deadline > self._next:
                rest = min(rest, call.deadline)
            elif not call.result.done():
                call.result.set_exception(TimeoutError())
        self._wait(rest)
