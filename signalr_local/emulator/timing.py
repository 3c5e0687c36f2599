"""How long the service waits for what."""

from dataclasses import dataclass

from signalr_local.clock import SYSTEM, Clock

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """Hold every duration of the emulator, in seconds; the defaults are the service's."""

    negotiated_id: float = 15.0
    """How long a client may take from negotiate to its connection. Azure gives it ``prompt_connect``."""

    prompt_connect: float = 5.0
    """After how long the log warns that the client would be too late for Azure."""

    handshake: float = 15.0
    """How long a connection may take to send its handshake."""

    ping: float = 15.0
    """How long a client hears nothing before it is sent a ping."""

    client_timeout: float = 30.0
    """How long a client may say nothing. The clock stands still while the app works for it."""

    resume: float = 15.0
    """How long a client with stateful reconnect may take to open its next socket."""

    poll: float = 90.0
    """How long a poll waits for something to answer."""

    poll_gap: float = 15.0
    """How long a client that polls may take from one poll to the next. Azure gives it 5."""

    upstream: float = 100.0
    """How long the app may take to answer an event."""

    client_result: float = 30.0
    """How long a client may take to answer what a server asked it."""

    request: float = 30.0
    """How long a client may take to send the head of its first request, and the body of a post."""

    idle: float = 130.0
    """How long a client may keep its connection open between two requests, or half of one, as in Kestrel."""

    close: float = 1.0
    """How long a client has to read the last message and to hang up before the socket is cut."""

    stop: float = 1.2
    """How long the app has to learn of the disconnected clients when the emulator stops."""

    clock: Clock = SYSTEM
    """What time it is, for tokens, keep-alive and memberships."""
