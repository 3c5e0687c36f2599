"""What the emulator says to who is in the wrong place."""

__all__ = ["DEFAULT_MODE", "WELCOME"]

WELCOME = """\
Azure SignalR Service emulator, Serverless mode.

Clients connect to   /client/?hub=<hub>
The REST API is at   /api/hubs/<hub>/... and /api/v1/hubs/<hub>/...
The inspector is at  /_inspect?token=<token>, the address that the local runtime prints at its start.
"""
"""The answer to a browser that opens the emulator's address."""

DEFAULT_MODE = (
    "%s is refused: an app tries to connect to its hub in Default mode. The emulator is in Serverless mode; "
    "set AzureSignalRServiceTransportType, or ServiceTransportType of the Management SDK, to Transient."
)
"""The line of the log for an app that connects as a hub server."""
