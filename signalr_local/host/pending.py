"""An invocation between the host and the worker, and what comes of it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from signalr_local.host.functions import Function

__all__ = ["PendingCall", "Result"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a function returned and set; ``body`` belongs to the value that is an HTTP response."""

    returned: dict[str, Any] | None
    outputs: dict[str, dict[str, Any] | None]
    body: bytes


@dataclass(slots=True)
class PendingCall:
    """An invocation that was sent to the worker, as number ``number``."""

    function: Function
    number: int
    result: "asyncio.Future[Result]"
    traceparent: str | None
