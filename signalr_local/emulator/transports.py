"""The ways in which bytes may come from a client and go to it."""

from dataclasses import dataclass

from signalr_local.emulator.terms import Terms

__all__ = ["EVENT_STREAM", "LONG_POLLING", "TRANSPORTS", "WEBSOCKETS", "Transport"]


@dataclass(frozen=True, slots=True)
class Transport:
    """Describe a transport: its name and formats as negotiate tells them, its bit in a token's claim."""

    name: str
    formats: tuple[str, ...]
    bit: int

    @property
    def is_binary(self) -> bool:
        """Tell whether it carries bytes that are no text."""
        return "Binary" in self.formats

    def is_allowed(self, terms: Terms) -> bool:
        """Tell whether a client may use it."""
        return terms.transports is None or bool(terms.transports & self.bit)


WEBSOCKETS = Transport("WebSockets", ("Text", "Binary"), 1)
EVENT_STREAM = Transport("ServerSentEvents", ("Text",), 2)
LONG_POLLING = Transport("LongPolling", ("Text", "Binary"), 4)

TRANSPORTS = (WEBSOCKETS, EVENT_STREAM, LONG_POLLING)
"""All of them, the best one first."""
