"""What carries out operations of the service's REST API, at the time of the environment's clock."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

from serverless_signalr._rest import clock
from serverless_signalr._rest.lists import list_items
from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.options import Options
from serverless_signalr._rest.responses import Response
from serverless_signalr._rest.senders import Direct, Sender
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.rest import ServiceClient
from signalr_local.emulator import Emulator

__all__ = ["Senders"]


class Senders:
    """The senders of an environment: one for each hub of the app, and those that its test has asked for.

    They stand in for whatever the app's settings name, and have the key that the emulator had when they were
    last renewed.
    """

    def __init__(self, emulator: Emulator, time: Callable[[], float]) -> None:
        self._emulator = emulator
        self._time = time
        self._known: Endpoint | None = None
        self._of_hubs: dict[str, Sender] = {}
        self._others: list[Sender] = []

    @property
    def endpoint(self) -> Endpoint:
        """Return the endpoint of the emulator, with the key that the app knows."""
        return self._known or Endpoint.parse(self._emulator.connection_string)

    def sender(self, hub: str) -> Sender:
        """Return the sender of the app for a hub."""
        if hub.lower() not in self._of_hubs:
            self._of_hubs[hub.lower()] = self._new(hub, Options())
        return self._of_hubs[hub.lower()]

    def client(self, hub: str, options: Options) -> ServiceClient:
        """Return a client of the REST API with a sender of its own."""
        sender = self._new(hub, options)
        self._others.append(sender)
        return ServiceClient.over(sender, max_parallel=options.max_parallel)

    async def renew(self) -> None:
        """Learn the key of this moment."""
        self._known = Endpoint.parse(self._emulator.connection_string)
        await self.aclose()

    async def aclose(self) -> None:
        """Release the sockets of all of them; others are made when they are asked for."""
        senders = [*self._of_hubs.values(), *self._others]
        self._of_hubs.clear()
        self._others.clear()
        for sender in senders:
            await sender.aclose()

    def _new(self, hub: str, options: Options) -> Sender:
        return _TimedSender(Direct(self.endpoint, hub, None, options), self._time)


class _TimedSender:
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
