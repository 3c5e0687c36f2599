"""When an environment is quiet: no event waits, no function runs, and clients have read what was sent."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from serverless_signalr.testing import Message
from signalr_local.emulator import Emulator
from signalr_local.host.instance import AppInstance
from signalr_local.testing.errors import ExpectationError

__all__ = ["Quiet"]


class _Client(Protocol):
    connection_id: str
    is_open: bool

    @property
    def messages(self) -> list[Message]: ...

    async def roundtrip(self) -> None: ...


class Quiet:
    """Wait for what should happen, and for the moment after which nothing more can.

    ``patience`` is how many seconds it waits. When they are over nothing is cancelled but the wait.
    """

    def __init__(
        self,
        emulator: Emulator,
        clients: Sequence[_Client],
        instance: Callable[[], AppInstance | None],
        patience: float,
    ) -> None:
        self.patience = patience
        self._emulator = emulator
        self._clients = clients
        self._instance = instance

    async def settled(self) -> None:
        """Wait until all is quiet. Raise ExpectationError, which says what goes on, when patience is over."""
        await self.wait_for(self._proved(), "all to be quiet")

    async def wait_for[T](self, what: Awaitable[T], shown: str) -> T:
        """Return what something comes to, or raise ExpectationError when patience is over."""
        task = asyncio.ensure_future(what)
        await asyncio.wait([task], timeout=self.patience)
        if not task.done():
            # The wait ends, not what it waits for: functions run in tasks of their own.
            task.cancel()
            raise ExpectationError(f"waited {self.patience:g} s for {shown}. {self.describe()}")
        return task.result()

    async def until[T](
        self, find: Callable[[], T | None], news: Callable[[], asyncio.Future[None]], timeout: float | None
    ) -> T | None:
        """Return what is found, None once all is quiet without it, or after a timeout if there is one."""
        deadline = asyncio.get_running_loop().time() + (self.patience if timeout is None else timeout)
        quiet: asyncio.Future[None] | None = None
        try:
            while True:
                if (found := find()) is not None:
                    return found
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0 or (quiet is not None and quiet.done() and timeout is None):
                    return None
                if quiet is None and timeout is None:
                    quiet = asyncio.ensure_future(self._proved())
                arriving = news()
                waits = [arriving] if quiet is None else [arriving, quiet]
                await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                arriving.cancel()
        finally:
            if quiet is not None:
                quiet.cancel()

    async def idle(self) -> None:
        """Return when no event waits for the app and no function runs."""
        while not self._is_idle():
            waits = [
                asyncio.ensure_future(connection.dispatcher.done())
                for connection in self._emulator.connections
                if connection.dispatcher.waiting
            ]
            instance = self._instance()
            if instance is not None and not instance.usage.is_idle:
                waits.append(asyncio.ensure_future(instance.usage.idle()))
            if not waits:
                # The socket of a client that has hung up, or the next worker: the loop brings it.
                await asyncio.sleep(0.001)
                continue
            try:
                await asyncio.wait(waits)
            finally:
                for wait in waits:
                    wait.cancel()

    def describe(self) -> str:
        """Return what still goes on, for people."""
        going = []
        for connection in self._emulator.connections:
            names = connection.dispatcher.waiting
            if names:
                who = connection.user_id or "anonymous"
                going.append(f"{', '.join(names)} of {who} ({connection.connection_id}) at the app")
        instance = self._instance()
        if instance is None:
            going.append("the app is not loaded")
        elif not instance.usage.is_idle:
            running = getattr(instance.worker, "running", {})
            going.append(f"functions run: {', '.join(running.values()) or 'in the worker'}")
        if pending := self._emulator.faults.pending:
            going.append(f"{pending} faults wait for their turn")
        return f"Still going on: {'; '.join(going)}." if going else "All is quiet."

    async def _proved(self) -> None:
        """Return when nothing goes on, which is proved: nothing began while every client made sure of it."""
        while True:
            await self.idle()
            before = self._begun()
            await asyncio.gather(*(client.roundtrip() for client in self._clients))
            if self._is_idle() and self._begun() == before:
                return

    def _is_idle(self) -> bool:
        instance = self._instance()
        open_ids = {client.connection_id for client in self._clients if client.is_open}
        ours = {client.connection_id for client in self._clients}
        return (
            instance is not None
            and instance.usage.is_idle
            and all(
                not connection.dispatcher.waiting
                and (connection.connection_id in open_ids or connection.connection_id not in ours)
                for connection in self._emulator.connections
            )
        )

    def _begun(self) -> tuple[int, int, int]:
        instance = self._instance()
        received = sum(len(client.messages) for client in self._clients)
        return self._emulator.delivered, instance.usage.begun if instance is not None else 0, received
