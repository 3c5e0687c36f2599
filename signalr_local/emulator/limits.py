"""How much the emulator takes in and keeps before it ends a connection."""

from dataclasses import dataclass

__all__ = ["Limits"]

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of the emulator on what clients send and are sent, in bytes."""

    message: int = 32 * _MIB
    """Largest message of a client. The service's own limit is not documented."""

    send_buffer: int = 16 * _MIB
    """What may wait for one client that reads slowly."""

    send_buffers: int = 256 * _MIB
    """What may wait for all of them together; the client for which most waits is cut off first."""

    handshake: int = 32 * 1024
    """Largest handshake."""

    early: int = 1024 * 1024
    """What a client may post before its first poll or event stream."""
