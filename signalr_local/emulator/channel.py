"""What a connection needs of its transport."""

from typing import Protocol

from signalr_local.emulator.protocols import Encoded

__all__ = ["Channel"]


class Channel(Protocol):
    """The way to the client, which its transport provides."""

    last_sent: float
    """When something was last sent, on the clock of the loop."""

    def put(self, message: Encoded) -> None:
        """Queue a message, to be sent at the end of this turn of the loop at the latest."""

    def flush_now(self) -> None:
        """Send what is queued, as far as the client takes it."""

    def finish(self, within: float) -> None:
        """Hang up once everything queued is sent; cut the client off if that takes longer, in seconds."""

    def abort(self) -> None:
        """Cut the client off."""

    def hold(self) -> None:
        """Send nothing until ``release``, as if the client did not read: messages pile up."""

    def release(self) -> None:
        """Send again, first what has piled up."""

    def pause_reading(self) -> None:
        """Take nothing in from the client until ``resume_reading``."""

    def resume_reading(self) -> None:
        """Take in again what the client sends."""
