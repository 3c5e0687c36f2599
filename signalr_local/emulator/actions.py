"""What a test does to the service while it runs, beside the faults that wait for an event or a request."""

import secrets
from collections.abc import Iterator

from signalr_local.emulator.connection import Connection
from signalr_local.emulator.server import Emulator

__all__ = ["Actions"]


class Actions:
    """What happens to connections and keys of an emulator at once.

    Connections are chosen by ``user`` or by ``connection``, their id. Raise LookupError where there is none.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def drop(
        self,
        *,
        user: str | None = None,
        connection: str | None = None,
        error: str | None = None,
        close: bool = True,
    ) -> None:
        """End connections, with a close message or, with ``close=False``, without a word."""
        for each in self._connections(user, connection):
            if close:
                each.close(error, allow_reconnect=True)
            else:
                each.drop()

    def pause(self, *, user: str | None = None, connection: str | None = None) -> None:
        """Send nothing more, as to clients that are slow to read: messages pile up until ``resume``."""
        for each in self._connections(user, connection):
            each.channel.hold()

    def resume(self, *, user: str | None = None, connection: str | None = None) -> None:
        """Send again, first what has piled up."""
        for each in self._connections(user, connection):
            each.channel.release()

    def rotate_key(self, *, key: str | None = None) -> None:
        """Replace the access keys, by default with a random one: tokens of the old keys are refused."""
        self.emulator.keys = [key or secrets.token_hex(22)]

    def _connections(self, user: str | None, connection: str | None) -> Iterator[Connection]:
        if (user is None) == (connection is None):
            raise ValueError("name either a user or a connection")
        found = [
            each
            for each in self.emulator.connections
            if connection == each.connection_id or (user is not None and user == each.user_id)
        ]
        if not found:
            raise LookupError(f"nobody is connected as {user or connection}")
        return iter(found)
