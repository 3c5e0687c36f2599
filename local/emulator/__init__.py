"""Azure SignalR Service in Serverless mode, on one machine."""

from local.emulator.server import DEFAULT_ACCESS_KEY, DEFAULT_PORT, Emulator
from local.emulator.timing import Timing
from local.emulator.upstream import UpstreamRule

__all__ = ["DEFAULT_ACCESS_KEY", "DEFAULT_PORT", "Emulator", "Timing", "UpstreamRule"]
