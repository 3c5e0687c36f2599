"""Operations of the service's REST API at the time of the environment's clock."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

from serverless_signalr._rest import clock
from serverless_signalr._rest.lists import list_items
from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.responses import Response
from serverless_signalr._rest.senders import Sender

__all__ = ["TimedSender"]


class TimedSender:
    """Sign what another sender sends by a clock of its own, whoever asks for it."""

    def __init__(self, sender: Sender, time: Callable[[], float]) -> None:
        self._sender = sender
        self._time = time

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Send an operation."""
        with clock.following(self._time):
            return await self._sender.run(operation, timeout)

    async def is_healthy(self) -> bool:
        """Ask whether the service is well."""
        return await self._sender.is_healthy()

    def items(self, path: str, top: int | None, page_size: int | None) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the items of a list."""
        return list_items(self.run, path, top, page_size)

    async def aclose(self) -> None:
        """Release the sockets."""
        await self._sender.aclose()
