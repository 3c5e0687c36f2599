"""Where the emulator is found and what opens it, unless it is told otherwise."""

__all__ = [
    "CONTROL_PATH",
    "DEFAULT_ACCESS_KEY",
    "DEFAULT_PORT",
    "SECONDARY_ACCESS_KEY",
    "WEBHOOK",
    "connection_string",
]

DEFAULT_ACCESS_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
"""The key of Microsoft's emulator. It is public, and protects nothing."""

SECONDARY_ACCESS_KEY = "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210ZYXWVUTS"
"""The second key, since a service has two: it opens the emulator and signs too, and is just as well known."""

DEFAULT_PORT = 8888

WEBHOOK = "/runtime/webhooks/signalr"
"""Where a Functions host takes the events of the service."""

CONTROL_PATH = "/_test/"
"""Where the control path of tests begins."""


def connection_string(port: int, key: str = DEFAULT_ACCESS_KEY) -> str:
    """Return the connection string for apps."""
    return f"Endpoint=http://localhost;Port={port};AccessKey={key};Version=1.0;"
