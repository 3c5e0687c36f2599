"""The connection string that leads an app to the emulator on this machine."""

from signalr_local.emulator import DEFAULT_ACCESS_KEY, DEFAULT_PORT

__all__ = ["CONNECTION_STRING"]

CONNECTION_STRING = (
    f"Endpoint=http://localhost;Port={DEFAULT_PORT};AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;"
)
